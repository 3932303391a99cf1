import type { PeerId, ThreadId } from '@bzzz/protocols'
import type { Arrival } from './arrival.ts'

interface OrphanLimits {
  /** Of one author, so that nobody can push out what others sent. */
  readonly perAuthorBytes: number
  readonly totalBytes: number
}

// Gossip loses one change and brings the hundred after it; a repair round then brings them all. Memory is the bound.
const defaultLimits: OrphanLimits = { perAuthorBytes: 4 * 1024 * 1024, totalBytes: 32 * 1024 * 1024 }
// What an orphan weighs beside its bytes.
const ORPHAN_OVERHEAD_BYTES = 1024

interface Orphan {
  readonly arrival: Arrival
  readonly waitsFor: string
  readonly weight: number
}

/**
 * Changes whose causes have not come yet, in memory. Each waits for one missing cause at a time. When an author's share
 * or the whole is full the oldest go; repair brings them again.
 */
export class Orphans {
  readonly #limits: OrphanLimits
  /** By thread and hash, oldest first. */
  readonly #orphans = new Map<string, Orphan>()
  /** Keys of orphans by thread and the cause they wait for. */
  readonly #waiting = new Map<string, Set<string>>()
  readonly #bytesOf = new Map<PeerId, number>()
  #bytes = 0

  constructor(limits: OrphanLimits = defaultLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#orphans.size
  }

  /** @returns how many older ones had to go */
  hold(arrival: Arrival, cause: string): number {
    const key = keyOf(arrival.thread, arrival.header.hash)
    this.#forget(key)
    const waitsFor = keyOf(arrival.thread, cause)
    const orphan = { arrival, waitsFor, weight: arrival.bytes.length + ORPHAN_OVERHEAD_BYTES }
    this.#orphans.set(key, orphan)
    this.#waiting.set(waitsFor, (this.#waiting.get(waitsFor) ?? new Set<string>()).add(key))
    this.#weigh(arrival.author, orphan.weight)
    return this.#trim(arrival.author)
  }

  /** Takes out those that waited for this change. */
  release(thread: ThreadId, hash: string): Arrival[] {
    const keys = [...(this.#waiting.get(keyOf(thread, hash)) ?? [])]
    return keys.flatMap((key) => this.#forget(key) ?? [])
  }

  #trim(author: PeerId): number {
    const before = this.#orphans.size
    const isOver = () => (this.#bytesOf.get(author) ?? 0) > this.#limits.perAuthorBytes
    for (const [key, { arrival }] of this.#orphans) {
      if (!isOver() && this.#bytes <= this.#limits.totalBytes) break
      if (arrival.author === author || !isOver()) this.#forget(key)
    }
    return before - this.#orphans.size
  }

  #forget(key: string): Arrival | undefined {
    const orphan = this.#orphans.get(key)
    if (orphan === undefined) return undefined
    this.#orphans.delete(key)
    this.#weigh(orphan.arrival.author, -orphan.weight)
    const siblings = this.#waiting.get(orphan.waitsFor)
    siblings?.delete(key)
    if (siblings?.size === 0) this.#waiting.delete(orphan.waitsFor)
    return orphan.arrival
  }

  #weigh(author: PeerId, weight: number): void {
    const bytes = (this.#bytesOf.get(author) ?? 0) + weight
    if (bytes === 0) this.#bytesOf.delete(author)
    else this.#bytesOf.set(author, bytes)
    this.#bytes += weight
  }
}

function keyOf(thread: ThreadId, hash: string): string {
  return `${thread}/${hash}`
}
