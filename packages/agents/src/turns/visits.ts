import type { ThreadId } from '@bzzz/protocols'

/** Looks at threads one after another; asking for one that waits already changes nothing. */
export interface Visits {
  readonly request: (thread: ThreadId) => void
  /** For when nothing else waits: one look at a thread that is unlikely to need any. */
  readonly requestLast: (thread: ThreadId) => void
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
  const last = new Set<ThreadId>()
  let round: Promise<void> | undefined
  let closed = false

  /** Asked for again while it is visited, a thread comes again at the end. */
  function next(): ThreadId | undefined {
    const queue = waiting.size > 0 ? waiting : last
    const [thread] = queue
    if (thread !== undefined) queue.delete(thread)
    return thread
  }

  async function drain(): Promise<void> {
    for (let thread = next(); thread !== undefined; thread = next()) {
      const visited = thread
      await visit(visited).catch((error: unknown) => failed(visited, error))
    }
    round = undefined
  }

  function requestIn(queue: Set<ThreadId>, thread: ThreadId): void {
    if (closed) return
    queue.add(thread)
    round ??= drain()
  }

  return {
    request: (thread) => requestIn(waiting, thread),
    requestLast: (thread) => requestIn(last, thread),
    async idle() {
      while (round !== undefined) await round
    },
    close() {
      closed = true
      waiting.clear()
      last.clear()
    },
  }
}
