import type { ServerResponse } from 'node:http'
import type { ObserveHttp } from '../facts.ts'
import { ProblemError } from '../problems.ts'
import type { EventRing, KeptEvent } from './ring.ts'
import { type EventStream, openStream } from './stream.ts'

/** All event streams that are open. */
export interface EventStreams {
  /**
   * Takes the response over until either side ends it.
   * @throws {ProblemError} STREAMS_EXHAUSTED, before anything was written
   */
  open(response: ServerResponse, after: string | undefined, wants: (event: KeptEvent) => boolean): void
  /** Ends all of them. Idempotent. */
  close(): void
}

// Each holds a socket and its buffer; a page or a CLI needs one.
const MAX_STREAMS = 64
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-accel-buffering': 'no',
}

export function createEventStreams(ring: EventRing, observe: ObserveHttp, heartbeatMs: number): EventStreams {
  const streams = new Set<EventStream>()
  const heart = setInterval(() => {
    for (const stream of streams) stream.beat()
  }, heartbeatMs).unref()

  let closing = false

  return {
    open(response, after, wants) {
      if (streams.size >= MAX_STREAMS) {
        throw new ProblemError('STREAMS_EXHAUSTED', `${MAX_STREAMS} streams are open: close one, then try again.`)
      }
      let slow = false
      response.writeHead(200, HEADERS)
      const stream = openStream({ ring, sink: response, after, wants, onSlow: () => (slow = true) })
      streams.add(stream)
      observe({ type: 'stream-opened', open: streams.size })
      response.once('close', () => {
        stream.end()
        streams.delete(stream)
        observe({ type: 'stream-closed', open: streams.size, why: slow ? 'slow' : closing ? 'closing' : 'left' })
      })
    },
    close() {
      closing = true
      clearInterval(heart)
      for (const stream of streams) stream.end()
    },
  }
}
