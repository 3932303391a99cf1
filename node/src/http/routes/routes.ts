import type { EventStreams } from '../events/streams.ts'
import type { AnswersByKey } from '../idempotency.ts'
import type { DoorPorts } from '../ports.ts'

/** What routes are made of. */
export interface Routes {
  readonly ports: DoorPorts
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly answers: AnswersByKey
  readonly streams: EventStreams
}
