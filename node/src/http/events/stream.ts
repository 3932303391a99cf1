import type { EventRing, KeptEvent } from './ring.ts'

/** Where a stream writes: a response whose headers are out. */
interface Sink {
  /** @returns false when its buffer is full; 'drain' tells when to go on */
  write(text: string): boolean
  once(event: 'drain', listener: () => void): unknown
  /** Ends after what was written. */
  end(): void
  /** Cuts at once. */
  destroy(): void
}

export interface EventStream {
  /**
   * Sends what is of no use later, without a cursor and beside the ring: now, or never when the client does not keep up.
   * @returns whether it was sent
   */
  offer(event: string, data: unknown): boolean
  /** Keeps proxies from closing a silent connection; cuts a client that took nothing since the beat before. */
  beat(): void
  /** Ends the stream. Idempotent. */
  end(): void
}

export interface StreamOptions {
  readonly ring: EventRing
  readonly sink: Sink
  /** Cursor of the last event that the client saw; undefined: from now on. */
  readonly after: string | undefined
  readonly wants: (event: KeptEvent) => boolean
  /** The client read too slowly; its connection is already cut. */
  readonly onSlow: () => void
}

const RETRY_MS = 2_000

/**
 * Sends the ring's events to one client, who pulls: nothing is queued per client beyond one event and the socket's own
 * buffer. Whoever falls behind the ring is cut, comes back with its cursor, and is told to reset.
 */
export function openStream({ ring, sink, after, wants, onSlow }: StreamOptions): EventStream {
  let position = start()
  let state: 'flowing' | 'blocked' | 'ended' = 'flowing'
  let blockedAtBeat = false
  const unsubscribe = ring.subscribe(pump)

  function start(): number {
    const seq = after === undefined ? ring.last : ring.seqOf(after)
    const lost = seq === undefined || ring.next(seq) === 'lost'
    const from = lost ? ring.last : seq
    const cursor = ring.cursorOf(from)
    sink.write(`retry: ${RETRY_MS}\n${lost ? frame(cursor, 'reset', JSON.stringify({ cursor })) : `id: ${cursor}\n\n`}`)
    return from
  }

  function pump(): void {
    for (let next = ring.next(position); next !== undefined && state !== 'ended'; next = ring.next(position)) {
      if (next === 'lost') cut()
      else if (state === 'blocked') return
      else forward(next)
    }
  }

  function forward(event: KeptEvent): void {
    position = event.seq
    if (wants(event)) send(frame(ring.cursorOf(event.seq), event.event, event.data))
  }

  function send(text: string): void {
    if (sink.write(text)) return
    state = 'blocked'
    sink.once('drain', () => {
      if (state !== 'blocked') return
      state = 'flowing'
      blockedAtBeat = false
      pump()
    })
  }

  function cut(): void {
    leave()
    sink.destroy()
    onSlow()
  }

  function leave(): void {
    state = 'ended'
    unsubscribe()
  }

  pump()
  return {
    offer(event, data) {
      if (state !== 'flowing') return false
      send(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
      return true
    },
    beat() {
      if (state === 'ended') return
      if (state === 'flowing') send(': beat\n\n')
      else if (blockedAtBeat) return cut()
      blockedAtBeat = state === 'blocked'
    },
    end() {
      if (state === 'ended') return
      leave()
      sink.end()
    },
  }
}

function frame(cursor: string, event: string, data: string): string {
  return `id: ${cursor}\nevent: ${event}\ndata: ${data}\n\n`
}
