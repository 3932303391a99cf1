/** Ends a request when its server says nothing for too long. */
export interface SilenceWatch {
  /** Aborted by silence, or by {@link end}. */
  readonly signal: AbortSignal
  readonly wasSilent: boolean
  /** @returns what the wait brings; the clock starts anew with each wait */
  over<T>(wait: PromiseLike<T>): Promise<T>
  /** Closes the connection, if it is still open. */
  end(): void
}

export function createSilenceWatch(options: {
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly idleTimeoutMs: number
}): SilenceWatch {
  const connection = new AbortController()
  let wasSilent = false
  return {
    signal: connection.signal,
    get wasSilent() {
      return wasSilent
    },
    async over(wait) {
      const heard = new AbortController()
      const clock = options.sleep(options.idleTimeoutMs, heard.signal).then(
        () => {
          wasSilent = true
          connection.abort()
        },
        () => undefined, // heard something first
      )
      try {
        return await wait
      } finally {
        heard.abort()
        await clock
      }
    },
    end: () => connection.abort(),
  }
}
