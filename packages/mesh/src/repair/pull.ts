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
  vectorHash,
  vectorToWire,
} from '@bzzz/protocols'
import type { Observe } from '../facts.ts'
import type { InHand } from '../in-hand.ts'
import { type Link, LinkError } from '../link/link.ts'
import { type Interest, isProject } from '../projects/interest.ts'
import type { ThreadsPort } from '../threads-port.ts'
import type { Holders } from './holders.ts'
import type { Receiver } from './receiver.ts'

export interface PullOptions {
  readonly link: Link
  readonly threads: Pick<ThreadsPort, 'digest' | 'vector'>
  readonly receiver: Receiver
  readonly interest: Pick<Interest, 'wants' | 'tagOf'>
  readonly holders: Pick<Holders, 'has' | 'same'>
  readonly inHand: InHand
  readonly observe: Observe
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

/** Fetches from one peer what it has and we lack: one question at a time, the next one once the answer is stored. */
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
        if (this.#wanted.size > 0) await this.#askOnce()
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
      for (const { resolve } of this.#fetching.values()) resolve()
      this.#fetching.clear()
    }
  }

  async #askOnce(): Promise<void> {
    const { link, receiver } = this.#options
    const { asked, threads } = await this.#question()
    const answer = await link.ask({ t: 'vectors', threads }, link.ended)
    if (answer.t !== 'envelopes') throw new LinkError('answered another question')
    const applied = await receiver.take(link.peer, 'repair', answer.envelopes)
    // without progress another round would bring the same: left to the next digest
    const complete = !answer.more && applied === answer.envelopes.length
    for (const { thread, hash } of asked) {
      if (answer.more && applied > 0) this.#goOn(thread, hash)
      else this.#answered(thread, complete ? hash : undefined)
    }
  }

  async #askOpenings(): Promise<void> {
    const { link, receiver } = this.#options
    const asked = [...this.#unopened].slice(0, MAX_VECTOR_THREADS)
    for (const thread of asked) this.#unopened.delete(thread)
    const threads = asked.map((thread) => Uint8Array.from(threadIdBytes(thread)))
    const answer = await link.ask({ t: 'openings', threads }, link.ended)
    if (answer.t !== 'envelopes') throw new LinkError('answered another question')
    await receiver.take(link.peer, 'repair', answer.envelopes)
  }

  #goOn(thread: ThreadId, hash: Uint8Array | undefined): void {
    this.#wanted.add(thread)
    if (hash !== undefined && !this.#told.has(thread)) this.#told.set(thread, hash)
  }

  /** @param hash undefined if there may be more behind it */
  #answered(thread: ThreadId, hash: Uint8Array | undefined): void {
    this.#fetching.get(thread)?.resolve()
    this.#fetching.delete(thread)
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

/** @throws {ProtocolError} BAD_SHAPE */
export function threadOf(bytes: Uint8Array): ThreadId {
  try {
    return threadIdFromBytes(bytes)
  } catch (cause) {
    throw new ProtocolError('BAD_SHAPE', 'not a thread id', { cause })
  }
}
