/** One event as it is sent and kept. */
export interface KeptEvent {
  /** From 1, without gaps. */
  readonly seq: number
  readonly event: string
  /** Thread that it belongs to; null: none. */
  readonly thread: string | null
  /** JSON text. */
  readonly data: string
}

/** The newest events, for those who come back. Memory only: a restart begins a new run, and old cursors say so. */
export interface EventRing {
  /** Position behind the newest event. */
  readonly last: number
  publish(event: string, thread: string | null, data: unknown): void
  /** The event behind `seq`; undefined when there is none yet. 'lost' when it was dropped. */
  next(seq: number): KeptEvent | 'lost' | undefined
  /** Told after each event. */
  subscribe(listener: () => void): () => void
  cursorOf(seq: number): string
  /** @returns the position, or undefined when the cursor is of another run, of the future, or malformed */
  seqOf(cursor: string): number | undefined
}

// Bound the memory for those who come back: about an hour of a busy mesh, or a few large reviews.
const MAX_EVENTS = 4_096
const MAX_CHARS = 16 * 1024 * 1024

/** @param run names this start of the process, letters and digits */
export function createEventRing(run: string, bounds = { events: MAX_EVENTS, chars: MAX_CHARS }): EventRing {
  const kept = new Map<number, KeptEvent>()
  const listeners = new Set<() => void>()
  let first = 1
  let last = 0
  let chars = 0

  function dropOldest(): void {
    chars -= kept.get(first)?.data.length ?? 0
    kept.delete(first)
    first += 1
  }

  return {
    get last() {
      return last
    },
    publish(event, thread, data) {
      last += 1
      const text = JSON.stringify(data)
      kept.set(last, { seq: last, event, thread, data: text })
      chars += text.length
      while (kept.size > bounds.events || (chars > bounds.chars && kept.size > 1)) dropOldest()
      for (const listener of listeners) listener()
    },
    next(seq) {
      return seq + 1 < first ? 'lost' : kept.get(seq + 1)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    cursorOf: (seq) => `${run}.${seq}`,
    seqOf(cursor) {
      const [, of, digits] = /^([a-z0-9]+)\.(\d{1,15})$/.exec(cursor) ?? []
      const seq = Number(digits)
      return of === run && seq <= last ? seq : undefined
    },
  }
}
