import type { ServerResponse } from 'node:http'
import type { EventData } from '@bzzz/protocols'
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
  open(response: ServerResponse, follower: Follower): void
  /** Ends all of them. Idempotent. */
  close(): void
}

/** What one stream is to carry. */
interface Follower {
  /** Cursor of the last event that the client saw; undefined: from now on. */
  readonly after: string | undefined
  readonly wants: (event: KeptEvent) => boolean
  /** Text of running calls, for as long as the stream is open. @returns how to stop */
  readonly tokens?: ((tell: (data: EventData<'tokens'>) => void) => () => void) | undefined
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
    open(response, { after, wants, tokens }) {
      if (streams.size >= MAX_STREAMS) {
        throw new ProblemError('STREAMS_EXHAUSTED', `${MAX_STREAMS} streams are open: close one, then try again.`)
      }
      let slow = false
      response.writeHead(200, HEADERS)
      const stream = openStream({ ring, sink: response, after, wants, onSlow: () => (slow = true) })
      streams.add(stream)
      const stopTokens = tokens?.((data) => {
        if (!stream.offer('tokens', data)) observe({ type: 'tokens-left-out' })
      })
      observe({ type: 'stream-opened', open: streams.size })
      response.once('close', () => {
        stopTokens?.()
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
