import { type ThreadId, threadIdBytes } from '@bzzz/protocols'
import type { BlobFetcher } from '../blobs/fetch.ts'
import type { Observe } from '../facts.ts'
import type { InHand } from '../in-hand.ts'
import { type Link, LinkError } from '../link/link.ts'
import type { SnapshotOffer, ThreadsPort } from '../threads-port.ts'
import type { ColdJoins } from './cold.ts'
import { threadOf } from './thread-of.ts'

export interface SnapshotTakerOptions {
  readonly link: Link
  readonly threads: Pick<ThreadsPort, 'vector' | 'snapshots'>
  readonly blobs: Pick<BlobFetcher, 'fetchFrom'>
  readonly cold: ColdJoins
  readonly inHand: InHand
  readonly observe: Observe
}

// Of a thread of which more is here pages bring the rest.
const MAX_CHANGES_HERE = 64
// A snapshot that has little more than what is here is not worth a worker.
const MIN_TIMES_MORE = 4
// For at most 16 MiB.
const FETCH_MS = 60_000
// Threads that the peer was asked about; the oldest may be asked about again.
const MAX_ASKED = 16 * 1024

/** Takes snapshots from one peer of threads of which there is little here, before pages are asked for. */
export class SnapshotTaker {
  readonly #options: SnapshotTakerOptions
  readonly #asked = new Set<ThreadId>()

  constructor(options: SnapshotTakerOptions) {
    this.#options = options
  }

  /** Resolves once what the peer offers of these threads is stored, or known not to be worth it. @throws {LinkError} */
  async take(threads: readonly ThreadId[]): Promise<void> {
    const { link, cold } = this.#options
    if (!cold.trusts(link.peer)) return
    const unasked: ThreadId[] = []
    for (const thread of threads) if (await this.#isCold(thread)) unasked.push(thread)
    if (unasked.length === 0) return
    for (const thread of unasked) this.#note(thread)
    const ids = unasked.map((thread) => Uint8Array.from(threadIdBytes(thread)))
    const answer = await link.ask({ t: 'snapshots', threads: ids }, link.ended)
    if (answer.t !== 'offers') throw new LinkError('answered another question')
    for (const [id, hash, changes] of answer.offers) {
      const offer = { thread: threadOf(id), hash: Buffer.from(hash).toString('hex'), changes }
      if (unasked.includes(offer.thread) && (await this.#isWorthIt(offer))) await this.#join(offer)
    }
  }

  async #isCold(thread: ThreadId): Promise<boolean> {
    if (this.#asked.has(thread) || this.#options.cold.has(thread)) return false
    return (await this.#changesHere(thread)) <= MAX_CHANGES_HERE
  }

  async #isWorthIt({ thread, changes }: SnapshotOffer): Promise<boolean> {
    return changes > MIN_TIMES_MORE * (await this.#changesHere(thread))
  }

  async #changesHere(thread: ThreadId): Promise<number> {
    const vector = await this.#options.threads.vector(thread)
    return [...vector.values()].reduce((sum, { seq }) => sum + seq, 0)
  }

  #note(thread: ThreadId): void {
    const [oldest] = this.#asked
    if (this.#asked.size >= MAX_ASKED && oldest !== undefined) this.#asked.delete(oldest)
    this.#asked.add(thread)
  }

  async #join({ thread, hash }: SnapshotOffer): Promise<void> {
    const { link, threads, cold, inHand, observe } = this.#options
    if (!link.open || !cold.begin(thread)) return
    const joining = threads.snapshots.join(thread, () => this.#fetch(hash))
    inHand.hold(joining.then(() => undefined).catch(() => undefined)) // what it rejects with is told below
    try {
      const joined = await joining
      if (joined.status === 'joined')
        observe({ type: 'snapshot-taken', peer: link.peer, thread, changes: joined.changes })
      if (joined.status !== 'refused') return
      observe({ type: 'snapshot-refused', peer: link.peer, thread, reason: joined.reason })
      cold.distrust(link.peer)
      throw new LinkError('sent a snapshot that does not hold')
    } finally {
      cold.end(thread)
    }
  }

  /** @returns undefined also when it takes too long: others wait for their turn, and pages bring the thread as well */
  async #fetch(hash: string): Promise<Uint8Array | undefined> {
    const { link, blobs } = this.#options
    const late = AbortSignal.timeout(FETCH_MS)
    try {
      return await blobs.fetchFrom(link, hash, AbortSignal.any([link.ended, late]))
    } catch (error) {
      if (error === late.reason) return undefined
      throw error
    }
  }
}
