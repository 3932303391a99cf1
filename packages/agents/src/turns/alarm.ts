import type { ThreadId } from '@bzzz/protocols'

/** Rings for a thread at a time; one wait at most is under way however many threads are set. */
export interface Alarm {
  /** Replaces the thread's earlier time; undefined: not at all. */
  set(thread: ThreadId, atMs: number | undefined): void
  close(): Promise<void>
}

export function createAlarm(options: {
  readonly now: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly ring: (thread: ThreadId) => void
}): Alarm {
  const times = new Map<ThreadId, number>()
  let rearm = new AbortController()
  let closed = false

  const earliest = () => Math.min(...times.values())

  /** @returns once the time has come, or the plan has changed */
  async function wait(untilMs: number): Promise<void> {
    rearm = new AbortController()
    const { signal } = rearm
    try {
      await options.sleep(Math.min(Math.max(untilMs - options.now(), 0), MAX_WAIT_MS), signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  async function run(): Promise<void> {
    while (!closed) {
      await wait(earliest())
      const due = [...times].filter(([, atMs]) => atMs <= options.now())
      for (const [thread] of due) {
        times.delete(thread)
        options.ring(thread)
      }
    }
  }

  const running = run()
  return {
    set(thread, atMs) {
      const before = earliest()
      if (atMs === undefined) times.delete(thread)
      else times.set(thread, atMs)
      if (earliest() < before) rearm.abort()
    },
    async close() {
      closed = true
      rearm.abort()
      await running
    },
  }
}

const MAX_WAIT_MS = 2 ** 31 - 1 // what a timer of Node takes
