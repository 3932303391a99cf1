import {
  equalBytes,
  type Frame,
  MAX_PAGE_BYTES,
  MAX_VECTOR_ACTORS,
  MAX_VECTOR_THREADS,
  ProtocolError,
  type ThreadId,
  threadIdBytes,
  threadIdFromBytes,
  vectorToWire,
} from '@bzzz/protocols'
import type { Observe } from '../facts.ts'
import type { InHand } from '../in-hand.ts'
import { type Link, LinkError } from '../link/link.ts'
import type { ThreadsPort } from '../threads-port.ts'
import type { Receiver } from './receiver.ts'

export interface PullOptions {
  readonly link: Link
  readonly threads: Pick<ThreadsPort, 'digest' | 'vector'>
  readonly receiver: Receiver
  readonly inHand: InHand
  readonly observe: Observe
}

type Question = Extract<Frame, { t: 'vectors' }>['threads']

// A peer that names more threads than this at once is heard again at its next digest.
const MAX_WANTED_THREADS = 16 * 1024
const WIRE_ACTOR_BYTES = 64

/** Fetches from one peer what it has and we lack: one question at a time, the next one once the answer is stored. */
export class Pull {
  readonly #options: PullOptions
  readonly #wanted = new Set<ThreadId>()
  #running = false

  constructor(options: PullOptions) {
    this.#options = options
  }

  /** Wants every thread whose hash differs from ours. */
  async compare(theirs: Extract<Frame, { t: 'digest' }>['threads']): Promise<void> {
    const ours = await this.#options.threads.digest()
    for (const [id, hash] of theirs) {
      const thread = threadOf(id)
      const own = ours.get(thread)
      if (own === undefined || !equalBytes(own, hash)) this.want(thread)
    }
  }

  want(thread: ThreadId): void {
    if (this.#wanted.size < MAX_WANTED_THREADS) this.#wanted.add(thread)
    if (this.#running) return
    this.#running = true
    this.#options.inHand.hold(this.#run())
  }

  async #run(): Promise<void> {
    const { link, observe } = this.#options
    try {
      // the rest of what is being wanted in this turn goes into the same question
      await Promise.resolve()
      while (link.open && this.#wanted.size > 0) await this.#askOnce()
    } catch (error) {
      this.#wanted.clear()
      if (error instanceof LinkError) link.close(error.message)
      else observe({ type: 'repair-failed', peer: link.peer, error })
    } finally {
      this.#running = false
    }
  }

  async #askOnce(): Promise<void> {
    const { link, receiver } = this.#options
    const { asked, threads } = await this.#question()
    const answer = await link.ask({ t: 'vectors', threads }, link.ended)
    if (answer.t !== 'envelopes') throw new LinkError('answered another question')
    const applied = await receiver.take(link.peer, 'repair', answer.envelopes)
    // without progress another round would bring the same: left to the next digest
    if (answer.more && applied > 0) for (const thread of asked) this.#wanted.add(thread)
  }

  async #question(): Promise<{ asked: ThreadId[]; threads: Question }> {
    const asked: ThreadId[] = []
    const threads: Question = []
    let bytes = 0
    for (const thread of this.#wanted) {
      const vector = vectorToWire(await this.#options.threads.vector(thread)).slice(0, MAX_VECTOR_ACTORS)
      bytes += WIRE_ACTOR_BYTES * (vector.length + 1)
      if (asked.length > 0 && (asked.length === MAX_VECTOR_THREADS || bytes > MAX_PAGE_BYTES)) break
      asked.push(thread)
      threads.push([Uint8Array.from(threadIdBytes(thread)), vector])
    }
    for (const thread of asked) this.#wanted.delete(thread)
    return { asked, threads }
  }
}

/** @throws {ProtocolError} BAD_SHAPE */
export function threadOf(bytes: Uint8Array): ThreadId {
  try {
    return threadIdFromBytes(bytes)
  } catch (cause) {
    throw new ProtocolError('BAD_SHAPE', 'not a thread id', { cause })
  }
}
