import {
  type Frame,
  type PeerId,
  ProtocolError,
  packPage,
  type ThreadId,
  threadIdBytes,
  vectorFromWire,
} from '@bzzz/protocols'
import type { BlobFetcher } from './blobs/fetch.ts'
import type { createBlobServer } from './blobs/serve.ts'
import { BudgetLink, type BudgetLinkOptions } from './budget/budget-link.ts'
import type { Observe } from './facts.ts'
import type { InHand } from './in-hand.ts'
import type { Link, Word } from './link/link.ts'
import { type Interest, PeerInterest } from './projects/interest.ts'
import type { ColdJoins } from './repair/cold.ts'
import type { Holders } from './repair/holders.ts'
import { openingsOf, type Page } from './repair/page.ts'
import { Pages } from './repair/pages.ts'
import { Pull } from './repair/pull.ts'
import type { Receiver } from './repair/receiver.ts'
import { SnapshotTaker } from './repair/snapshots.ts'
import { threadOf } from './repair/thread-of.ts'
import type { ThreadsPort } from './threads-port.ts'

export interface SessionOptions {
  readonly threads: ThreadsPort
  readonly receiver: Receiver
  readonly interest: Interest
  readonly holders: Holders
  readonly cold: ColdJoins
  readonly blobs: Pick<BlobFetcher, 'fetchFrom'>
  readonly inHand: InHand
  readonly serveBlob: ReturnType<typeof createBlobServer>
  /** @throws {ProtocolError} if it is not a card of that peer */
  readonly learn: (peer: PeerId, card: Uint8Array) => void
  /** @throws {ProtocolError} for what no honest peer hands on; rejects when the store does */
  readonly takeManifest: (manifest: Uint8Array, from: PeerId) => Promise<void>
  readonly budget: Pick<BudgetLinkOptions, 'port' | 'takesPart'>
  readonly observe: Observe
}

type Offers = Extract<Frame, { t: 'offers' }>['offers']

// What an honest peer has under way at once: BlobFetcher asks for at most 4 blobs, one part each.
const MAX_PARTS_AT_ONCE = 8

/** What is said on one link beyond its own upkeep: repair in both directions, blobs, cards, rights. */
export class Session {
  readonly pull: Pull
  readonly budget: BudgetLink
  readonly #link: Link
  readonly #options: SessionOptions
  readonly #pages: Pages
  /** Null: everything, which goes also for a peer that has not said yet. */
  #peerInterest: PeerInterest | null = null
  #serving = false
  #parts = 0

  constructor(link: Link, options: SessionOptions) {
    const { threads, receiver, interest, holders, cold, blobs, inHand, observe } = options
    this.#link = link
    this.#options = options
    this.#pages = new Pages(threads)
    this.budget = new BudgetLink(link, { ...options.budget, inHand, observe })
    void link.closed.then(() => inHand.hold(this.#unlessStoreFails(() => this.#pages.close())))
    const snapshots = new SnapshotTaker({ link, threads, blobs, cold, inHand, observe })
    this.pull = new Pull({ link, threads, receiver, interest, holders, snapshots, cold, inHand, observe })
  }

  /** Whether the peer follows this thread. */
  peerFollows(thread: ThreadId): boolean {
    const { interest } = this.#options
    return this.#peerInterest?.has(interest.rootOf(thread), interest.tagOf(thread)) ?? true
  }

  /** Long work goes on beside the reading, so that pings are answered meanwhile. @throws {ProtocolError} */
  async take(word: Word): Promise<void> {
    switch (word.t) {
      case 'card':
        return this.#options.learn(this.#link.peer, word.card)
      case 'manifest':
        return this.#unlessStoreFails(() => this.#options.takeManifest(word.manifest, this.#link.peer))
      case 'follows':
        this.#peerInterest = word.all ? null : new PeerInterest(word)
        return
      case 'digest':
        return this.#unlessStoreFails(() => this.pull.compare(word.threads))
      case 'envelopes':
        return this.#options.receiver.offer(this.#link.peer, 'direct', word.envelopes)
      case 'vectors':
        return this.#serve(word.n, () => this.#missing(word))
      case 'next':
        return this.#serve(word.n, () => this.#pages.next())
      case 'openings':
        return this.#serve(word.n, () => openingsOf(this.#options.threads, word.threads.map(threadOf)))
      case 'snapshots':
        return this.#offer(word.n, word.threads.map(threadOf))
      case 'blob-want':
        if (this.#parts >= MAX_PARTS_AT_ONCE) throw new ProtocolError('BAD_SHAPE', 'too many parts asked for at once')
        this.#parts++
        this.#options.inHand.hold(this.#servePart(word))
        return
      case 'grant-ask':
        return this.budget.asked(word)
      case 'budget':
        return this.budget.take(word)
    }
  }

  #offer(n: number, threads: readonly ThreadId[]): void {
    const offers = this.#options.threads.snapshots
      .offers(threads)
      .map(({ thread, hash, changes }): Offers[number] => [
        Uint8Array.from(threadIdBytes(thread)),
        Uint8Array.from(Buffer.from(hash, 'hex')),
        changes,
      ])
    void this.#link.tell({ t: 'offers', n, offers })
  }

  #serve(n: number, read: () => Promise<Page>): void {
    if (this.#serving) throw new ProtocolError('BAD_SHAPE', 'a second question before the first was answered')
    this.#serving = true
    this.#options.inHand.hold(this.#servePage(n, read))
  }

  async #missing({ threads: wanted }: Extract<Frame, { t: 'vectors' }>): Promise<Page> {
    const { threads: log, holders } = this.#options
    const asked = wanted.map(([id, wire]) => [threadOf(id), vectorFromWire(wire)] as const)
    for (const [thread, have] of asked) holders.asked(this.#link.peer, thread, have, await log.vector(thread))
    return await this.#pages.first(asked)
  }

  async #servePage(n: number, read: () => Promise<Page>): Promise<void> {
    await this.#unlessStoreFails(async () => {
      const page = await read()
      const { envelopes, more } = page
      const packed = await packPage(envelopes)
      // before the answer: the peer's next question may come before this turn is over
      this.#serving = false
      await this.#link.tell({ t: 'page', n, packed, more })
      if (envelopes.length === 0) return
      const bytes = envelopes.reduce((sum, envelope) => sum + envelope.length, 0)
      const served = { envelopes: envelopes.length, bytes, packedBytes: packed.length, more }
      this.#options.observe({ type: 'page-served', peer: this.#link.peer, ...served })
    })
  }

  async #servePart(want: Extract<Frame, { t: 'blob-want' }>): Promise<void> {
    await this.#unlessStoreFails(async () => {
      const part = await this.#options.serveBlob(want)
      this.#parts--
      await this.#link.tell(part)
    })
  }

  /** The port rejects only when the store does. A peer that waits for an answer then learns it by the link's end. */
  async #unlessStoreFails(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (error instanceof ProtocolError) return this.#refuse(error)
      this.#options.observe({ type: 'repair-failed', peer: this.#link.peer, error })
      this.#link.close('the own store could not be read')
    }
  }

  #refuse({ code, message }: ProtocolError): void {
    this.#options.observe({ type: 'frame-refused', peer: this.#link.peer, code, reason: message })
    this.#link.close(`sent a bad frame: ${message}`)
  }
}
