import type { ThreadId } from '@bzzz/protocols'

/** Looks at threads one after another; asking for one that waits already changes nothing. */
export interface Visits {
  readonly request: (thread: ThreadId) => void
  /** Resolves once nothing waits and no visit is under way. */
  idle(): Promise<void>
  /** Forgets what waits and takes no more. */
  close(): void
}

export function createVisits(
  visit: (thread: ThreadId) => Promise<void>,
  failed: (thread: ThreadId, error: unknown) => void,
): Visits {
  const waiting = new Set<ThreadId>()
  let round: Promise<void> | undefined
  let closed = false

  async function drain(): Promise<void> {
    for (const thread of waiting) {
      waiting.delete(thread) // asked for again while it is visited, it comes again at the end
      await visit(thread).catch((error: unknown) => failed(thread, error))
    }
    round = undefined
  }

  return {
    request(thread) {
      if (closed) return
      waiting.add(thread)
      round ??= drain()
    },
    async idle() {
      while (round !== undefined) await round
    },
    close() {
      closed = true
      waiting.clear()
    },
  }
}
