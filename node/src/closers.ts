/** What has to be closed, in the reverse order of opening. */
export interface Closers {
  add(name: string, close: () => Promise<void>): void
  /** Tries every one. @throws {AggregateError} of those that failed */
  close(): Promise<void>
}

export function createClosers(): Closers {
  const open: { readonly name: string; readonly close: () => Promise<void> }[] = []
  let closing: Promise<void> | undefined

  async function closeAll(): Promise<void> {
    const errors: Error[] = []
    for (const { name, close } of open.splice(0).reverse()) {
      try {
        await close()
      } catch (cause) {
        errors.push(new Error(`${name} did not close: ${(cause as Error).message}`, { cause }))
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('; '))
  }

  return {
    add: (name, close) => void open.push({ name, close }),
    close: () => (closing ??= closeAll()),
  }
}
