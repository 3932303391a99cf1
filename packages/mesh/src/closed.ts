/** A connection or a stream. */
interface Closable {
  readonly status: string
  addEventListener(type: 'close', listener: () => void, options: { once: true }): void
}

/** Resolves once either side has closed it, or with the signal. */
export function untilClosed(channel: Closable, signal: AbortSignal): Promise<void> {
  if (channel.status !== 'open' || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    channel.addEventListener('close', () => resolve(), { once: true })
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
