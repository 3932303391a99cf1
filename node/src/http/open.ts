import { createDoors } from './doors.ts'
import { feedEvents } from './events/feed.ts'
import { createEventRing } from './events/ring.ts'
import { createEventStreams } from './events/streams.ts'
import type { ObserveHttp } from './facts.ts'
import { createAnswersByKey } from './idempotency.ts'
import type { DoorPorts } from './ports.ts'

export interface HttpOptions {
  readonly ports: DoorPorts
  /** Address to bind to. On loopback reading is free; on any other address every route needs the token. */
  readonly host: string
  /** 0: any free port. */
  readonly nodePort: number
  readonly agentsPort: number
  /** The bearer token. The empty one lets nobody in. */
  readonly token: string
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly observe?: ObserveHttp
  readonly heartbeatMs?: number
}

export interface Http {
  /** The node's door: health, peers, status, metrics. */
  readonly nodeUrl: string
  /** The agents' door: agents, conversations, reviews, costs, events. */
  readonly agentsUrl: string
  /** Ends event streams, lets requests in hand finish for a few seconds, then cuts what is left. Idempotent. */
  close(): Promise<void>
}

const HEARTBEAT_MS = 15_000

/** Resolves once both doors listen. Rejects with the system's error (EADDRINUSE, EACCES) when one cannot. */
export async function openHttp(options: HttpOptions): Promise<Http> {
  const { ports, host, token, now, randomBytes, observe = () => {} } = options
  const ring = createEventRing(Buffer.from(randomBytes(6)).toString('hex'))
  const streams = createEventStreams(ring, observe, options.heartbeatMs ?? HEARTBEAT_MS)
  const routes = { ports, now, randomBytes, answers: createAnswersByKey(), streams }
  const doors = createDoors(routes, { host, token, observe })
  const stopFeed = feedEvents(ports, ring)
  let closing: Promise<void> | undefined

  async function closeOnce(): Promise<void> {
    stopFeed()
    await doors.close()
  }

  const close = (): Promise<void> => (closing ??= closeOnce())
  try {
    return { ...(await doors.listen({ node: options.nodePort, agents: options.agentsPort })), close }
  } catch (error) {
    await close()
    throw error
  }
}
