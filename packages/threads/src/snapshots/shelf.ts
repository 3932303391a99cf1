import type { ThreadId } from '@bzzz/protocols'
import type { Desk } from '../commit.ts'
import type { SnapshotCache } from './cache.ts'
import type { SnapshotOffer } from './port.ts'
import { Workshop } from './workshop.ts'

// Below it, pages bring a thread as fast.
const MIN_CHANGES = 512
// Made anew when so much of the thread is behind it; the rest comes by pages.
const MAX_BEHIND = 0.1
/** After the last commit of a thread. */
const IDLE_MS = 2_000
const MAX_WAITING = 1_000

/** The snapshots that this node offers, made one at a time in a worker, of threads in which nothing happens just now. */
export class Shelf {
  readonly #desk: Desk
  readonly #cache: SnapshotCache
  readonly #idleMs: number
  readonly #workshop = new Workshop()
  readonly #waiting = new Map<ThreadId, NodeJS.Timeout>()
  /** Of how many changes none could be made: tried again when there are more. */
  readonly #failed = new Map<ThreadId, number>()
  #making: Promise<void> = Promise.resolve()
  #closed = false

  constructor(desk: Desk, cache: SnapshotCache, idleMs = IDLE_MS) {
    this.#desk = desk
    this.#cache = cache
    this.#idleMs = idleMs
  }

  /** Something was written to it. */
  heed(thread: ThreadId): void {
    if (this.#closed || !this.#isBehind(thread)) return
    const waiting = this.#waiting.get(thread)
    if (waiting === undefined && this.#waiting.size >= MAX_WAITING) return
    clearTimeout(waiting)
    this.#waiting.set(thread, setTimeout(() => this.#begin(thread), this.#idleMs).unref())
  }

  offers(threads: readonly ThreadId[]): SnapshotOffer[] {
    return threads.flatMap((thread) => {
      if (!this.#waiting.has(thread)) this.heed(thread)
      const kept = this.#desk.catalog.cuts(thread).size === 0 ? this.#cache.of(thread) : undefined
      return kept === undefined ? [] : [{ thread, hash: kept.hash, changes: kept.changes }]
    })
  }

  get(hash: string): Promise<Uint8Array | undefined> {
    return this.#cache.get(hash)
  }

  /** Ends what is being made. */
  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
    await this.#workshop.end()
    await this.#making
  }

  #begin(thread: ThreadId): void {
    this.#waiting.delete(thread)
    this.#making = this.#making.then(() => this.#make(thread))
  }

  /** What somebody forked has changes that do not stand: it goes by pages. */
  #isBehind(thread: ThreadId): boolean {
    const { catalog } = this.#desk
    const changes = this.#changesOf(thread)
    if (changes < MIN_CHANGES || catalog.cuts(thread).size > 0 || this.#failed.get(thread) === changes) return false
    return changes - (this.#cache.of(thread)?.changes ?? 0) > changes * MAX_BEHIND
  }

  #changesOf(thread: ThreadId): number {
    return [...this.#desk.catalog.vector(thread).values()].reduce((sum, { seq }) => sum + seq, 0)
  }

  async #make(thread: ThreadId): Promise<void> {
    if (this.#closed || !this.#isBehind(thread)) return
    const { mesh, log, now, observe } = this.#desk
    const startedMs = now()
    const known = this.#changesOf(thread)
    try {
      const envelopes: Uint8Array[] = []
      for await (const bytes of log.all(thread)) envelopes.push(bytes)
      const lengths = envelopes.map(({ length }) => length)
      const made = await this.#workshop.ask({ q: 'make', mesh, thread, log: Buffer.concat(envelopes), lengths })
      await this.#cache.put(thread, envelopes.length, made.bytes)
      const fields = { changes: envelopes.length, bytes: made.bytes.length, tookMs: now() - startedMs }
      observe({ type: 'snapshot-made', thread, ...fields })
    } catch (error) {
      if (this.#closed) return
      this.#failed.set(thread, known)
      observe({ type: 'snapshot-failed', thread, error })
    } finally {
      if (this.#waiting.size === 0) await this.#workshop.end() // its memory, until the next one
    }
  }
}
