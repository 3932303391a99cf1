import { setTimeout as delay } from 'node:timers/promises'
import {
  equalBytes,
  type Frame,
  MAX_PAGE_BYTES,
  MAX_VECTOR_ACTORS,
  MAX_VECTOR_THREADS,
  ProtocolError,
  type ThreadId,
  threadIdBytes,
  unpackPage,
  vectorHash,
  vectorToWire,
} from '@bzzz/protocols'
import type { Observe } from '../facts.ts'
import type { InHand } from '../in-hand.ts'
import { type Link, LinkError } from '../link/link.ts'
import { type Interest, isProject } from '../projects/interest.ts'
import type { ThreadsPort } from '../threads-port.ts'
import type { ColdJoins } from './cold.ts'
import type { Holders } from './holders.ts'
import type { Page } from './page.ts'
import type { Receiver } from './receiver.ts'
import type { SnapshotTaker } from './snapshots.ts'
import { threadOf } from './thread-of.ts'

export interface PullOptions {
  readonly link: Link
  readonly threads: Pick<ThreadsPort, 'digest' | 'vector'>
  readonly receiver: Receiver
  readonly interest: Pick<Interest, 'wants' | 'tagOf'>
  readonly holders: Pick<Holders, 'has' | 'same'>
  readonly snapshots: Pick<SnapshotTaker, 'take'>
  readonly cold: Pick<ColdJoins, 'has' | 'ended'>
  readonly inHand: InHand
  readonly observe: Observe
  /** So long who fetches a thread waits for a snapshot of it that another peer sends, before pages are asked for as well. */
  readonly joinMs?: number
}

type Question = Extract<Frame, { t: 'vectors' }>['threads']

/** With the hash that the peer told before it was asked: what comes is at least that. */
interface Asked {
  readonly thread: ThreadId
  readonly hash: Uint8Array | undefined
}

// A peer that names more threads than this at once is heard again at its next digest.
const MAX_WANTED_THREADS = 16 * 1024
const WIRE_ACTOR_BYTES = 104
// Whoever has all that a peer had need not ask for it again and again; once in a while, in case it was wrong about that.
const SETTLED_MS = 60_000
// Most snapshots are taken in less.
const DEFAULT_JOIN_MS = 5_000

/**
 * Fetches from one peer what it has and we lack: one question at a time, and while a page is being stored the next one is on
 * its way, so two pages at most are in memory.
 */
export class Pull {
  readonly #options: PullOptions
  readonly #wanted = new Set<ThreadId>()
  /** Threads that are not followed, whose opening is not here. */
  readonly #unopened = new Set<ThreadId>()
  /** The peer's hashes of what is wanted. */
  readonly #told = new Map<ThreadId, Uint8Array>()
  /** What came of it is all stored here. At a time of the monotonic clock. */
  readonly #settled = new Map<ThreadId, { readonly hash: Uint8Array; readonly at: number }>()
  readonly #fetching = new Map<ThreadId, PromiseWithResolvers<void>>()
  /** What of that another link is taking from a snapshot, and since when not any more, or for too long. */
  readonly #joining = new Map<ThreadId, 'waiting' | 'over'>()
  #running = false

  constructor(options: PullOptions) {
    this.#options = options
  }

  /** Wants every followed thread whose hash differs from ours, unless all that was behind that hash is here already. */
  async compare(theirs: Extract<Frame, { t: 'digest' }>['threads']): Promise<void> {
    const { interest } = this.#options
    const ours = await this.#options.threads.digest()
    for (const [id, hash, tag] of theirs) {
      const thread = threadOf(id)
      const own = ours.get(thread)
      if (own !== undefined && equalBytes(own, hash)) await this.#same(thread, hash)
      else if (!interest.wants(thread, tag)) this.#wantOpening(thread)
      else if (!this.#isSettled(thread, hash)) {
        if (this.#told.size < MAX_WANTED_THREADS) this.#told.set(thread, hash)
        this.want(thread)
      }
    }
  }

  /** Asks for a thread whether or not it was told of. Resolves once all that the peer has is stored, or the link failed. */
  fetch(thread: ThreadId): Promise<void> {
    const fetching = this.#fetching.get(thread) ?? Promise.withResolvers<void>()
    this.#fetching.set(thread, fetching)
    this.want(thread)
    return fetching.promise
  }

  want(thread: ThreadId): void {
    if (this.#wanted.size < MAX_WANTED_THREADS || this.#fetching.has(thread)) this.#wanted.add(thread)
    this.#start()
  }

  #wantOpening(thread: ThreadId): void {
    if (isProject(this.#options.interest.tagOf(thread)) || this.#unopened.size >= MAX_WANTED_THREADS) return
    this.#unopened.add(thread)
    this.#start()
  }

  #start(): void {
    if (this.#running) return
    this.#running = true
    this.#options.inHand.hold(this.#run())
  }

  async #run(): Promise<void> {
    const { link, observe } = this.#options
    try {
      // the rest of what is being wanted in this turn goes into the same question
      await Promise.resolve()
      while (link.open && this.#wanted.size + this.#unopened.size > 0) {
        if (this.#wanted.size > 0) await this.#takeOnce()
        else await this.#askOpenings()
      }
    } catch (error) {
      this.#wanted.clear()
      this.#unopened.clear()
      if (error instanceof LinkError) link.close(error.message)
      else observe({ type: 'repair-failed', peer: link.peer, error })
    } finally {
      this.#running = false
      if (this.#wanted.size === 0) this.#told.clear()
      this.#endFetching()
    }
  }

  /** But for those that wait for a snapshot, unless nothing can be asked any more. */
  #endFetching(): void {
    for (const thread of this.#fetching.keys()) {
      if (!this.#options.link.open || this.#joining.get(thread) !== 'waiting') this.#answered(thread, undefined)
    }
  }

  async #takeOnce(): Promise<void> {
    const { snapshots, cold } = this.#options
    await snapshots.take([...this.#wanted].slice(0, MAX_VECTOR_THREADS))
    for (const thread of this.#wanted) {
      if (!cold.has(thread) || this.#joining.get(thread) === 'over') continue
      // another peer brings it all: what this one has beyond that is in its next digest, unless somebody waits for it
      this.#wanted.delete(thread)
      if (this.#fetching.has(thread)) this.#askAfterJoin(thread)
    }
    if (this.#wanted.size > 0) await this.#askOnce()
  }

  #askAfterJoin(thread: ThreadId): void {
    if (this.#joining.has(thread)) return
    this.#joining.set(thread, 'waiting')
    const { cold, link, inHand, joinMs = DEFAULT_JOIN_MS } = this.#options
    const over = new AbortController()
    const signal = AbortSignal.any([link.ended, over.signal])
    const late = delay(joinMs, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    const asking = Promise.race([cold.ended(thread), late]).then(() => {
      over.abort()
      this.#joining.set(thread, 'over')
      this.want(thread)
    })
    inHand.hold(asking)
  }

  async #askOnce(): Promise<void> {
    const { asked, threads } = await this.#question()
    let page: Page | undefined = await this.#ask({ t: 'vectors', threads })
    let complete = true
    while (page !== undefined) {
      const { envelopes, more }: Page = page
      const storing = this.#store(envelopes)
      const isHeldUp: boolean = more && this.#isUrgent
      page = more && !isHeldUp ? await this.#ask({ t: 'next' }) : undefined
      const applied = await storing
      if (isHeldUp) return this.#goOnLater(asked)
      complete &&= applied === envelopes.length
      if (!more || applied > 0) continue
      // nothing new in it: what comes behind it would be no better, and is left to the next digest
      complete = false
      break
    }
    for (const { thread, hash } of asked) this.#answered(thread, complete ? hash : undefined)
  }

  /** Somebody waits for a thread of which was not asked yet. */
  get #isUrgent(): boolean {
    return [...this.#fetching.keys()].some((thread) => this.#wanted.has(thread))
  }

  #store(envelopes: readonly Uint8Array[]): Promise<number> {
    const { link, receiver, inHand } = this.#options
    const storing = receiver.take(link.peer, 'repair', envelopes)
    inHand.hold(storing)
    return storing
  }

  async #ask(question: Parameters<Link['ask']>[0]): Promise<Page> {
    const { link, observe } = this.#options
    const answer = await link.ask(question, link.ended)
    if (answer.t !== 'page') throw new LinkError('answered another question')
    try {
      return { envelopes: await unpackPage(answer.packed), more: answer.more }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      observe({ type: 'frame-refused', peer: link.peer, code: error.code, reason: error.message })
      throw new LinkError(`sent a bad page: ${error.message}`, { cause: error })
    }
  }

  async #askOpenings(): Promise<void> {
    const asked = [...this.#unopened].slice(0, MAX_VECTOR_THREADS)
    for (const thread of asked) this.#unopened.delete(thread)
    const threads = asked.map((thread) => Uint8Array.from(threadIdBytes(thread)))
    const { envelopes } = await this.#ask({ t: 'openings', threads })
    await this.#store(envelopes)
  }

  #goOnLater(asked: readonly Asked[]): void {
    for (const { thread, hash } of asked) {
      this.#wanted.add(thread)
      if (hash !== undefined && !this.#told.has(thread)) this.#told.set(thread, hash)
    }
  }

  /** @param hash undefined if there may be more behind it */
  #answered(thread: ThreadId, hash: Uint8Array | undefined): void {
    this.#fetching.get(thread)?.resolve()
    this.#fetching.delete(thread)
    this.#joining.delete(thread)
    if (hash === undefined) return
    this.#settled.delete(thread)
    this.#settled.set(thread, { hash, at: performance.now() })
    const [oldest] = this.#settled.keys()
    if (this.#settled.size > MAX_WANTED_THREADS && oldest !== undefined) this.#settled.delete(oldest)
  }

  #isSettled(thread: ThreadId, hash: Uint8Array): boolean {
    const settled = this.#settled.get(thread)
    return settled !== undefined && equalBytes(settled.hash, hash) && performance.now() - settled.at < SETTLED_MS
  }

  /** The peer has what we have, unless we have more by now. */
  async #same(thread: ThreadId, hash: Uint8Array): Promise<void> {
    const { threads, holders, link } = this.#options
    const vector = await threads.vector(thread)
    if (holders.has(link.peer, thread, vector) || !equalBytes(vectorHash(vector), hash)) return
    holders.same(link.peer, thread, vector)
  }

  async #question(): Promise<{ asked: Asked[]; threads: Question }> {
    const asked: Asked[] = []
    const threads: Question = []
    let bytes = 0
    for (const thread of this.#wanted) {
      const vector = vectorToWire(await this.#options.threads.vector(thread)).slice(0, MAX_VECTOR_ACTORS)
      bytes += WIRE_ACTOR_BYTES * (vector.length + 1)
      if (asked.length > 0 && (asked.length === MAX_VECTOR_THREADS || bytes > MAX_PAGE_BYTES)) break
      asked.push({ thread, hash: this.#told.get(thread) })
      threads.push([Uint8Array.from(threadIdBytes(thread)), vector])
    }
    for (const { thread } of asked) {
      this.#wanted.delete(thread)
      this.#told.delete(thread)
    }
    return { asked, threads }
  }
}
