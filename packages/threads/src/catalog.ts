import { type SeqVector, type ThreadId, vectorHash } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import type { Logged } from './log.ts'
import type { ThreadSummary } from './summary.ts'

// What a node keeps in memory for every thread on its disk is about a kilobyte.
const MAX_THREADS = 100_000

interface Known {
  readonly summary: ThreadSummary
  readonly vector: ReadonlyMap<string, number>
  readonly digest: Uint8Array
}

/**
 * The index of all threads on disk: the summary of each (`i/<thread>`) and how far its log goes (`v/<thread>/<actor>`),
 * written in one batch with the changes they speak of. In memory only what is synced.
 */
export class Catalog {
  readonly #known = new Map<ThreadId, Known>()

  static async open(room: Room): Promise<Catalog> {
    const vectors = new Map<ThreadId, Map<string, number>>()
    for await (const [key, value] of room.entries({ gt: 'v/', lt: 'v0' })) {
      const [, thread, actor] = key.split('/') as [string, ThreadId, string]
      const vector = vectors.get(thread) ?? new Map<string, number>()
      vectors.set(thread, vector.set(actor, JSON.parse(textOf(value)) as number))
    }
    const catalog = new Catalog()
    for await (const [, value] of room.entries({ gt: 'i/', lt: 'i0' })) {
      const summary = JSON.parse(textOf(value)) as ThreadSummary
      catalog.#set(summary, vectors.get(summary.thread) ?? new Map())
    }
    return catalog
  }

  get isFull(): boolean {
    return this.#known.size >= MAX_THREADS
  }

  has(thread: ThreadId): boolean {
    return this.#known.has(thread)
  }

  list(): ThreadSummary[] {
    return [...this.#known.values()].map(({ summary }) => summary)
  }

  vector(thread: ThreadId): SeqVector {
    return this.#known.get(thread)?.vector ?? new Map()
  }

  /** Of all envelopes of the thread. */
  bytes(thread: ThreadId): number {
    return this.#known.get(thread)?.summary.bytes ?? 0
  }

  digest(): Map<ThreadId, Uint8Array> {
    return new Map([...this.#known].map(([thread, { digest }]) => [thread, digest]))
  }

  /** What must be written together with these changes. */
  operations(summary: ThreadSummary, changes: readonly Logged[]): Operation[] {
    const { thread } = summary
    return [
      { put: `i/${thread}`, value: bytesOf(summary) },
      ...[...highest(changes)].map(([actor, seq]) => ({ put: `v/${thread}/${actor}`, value: bytesOf(seq) })),
    ]
  }

  /** Once they are synced. */
  commit(summary: ThreadSummary, changes: readonly Logged[]): void {
    this.#set(summary, new Map([...this.vector(summary.thread), ...highest(changes)]))
  }

  #set(summary: ThreadSummary, vector: ReadonlyMap<string, number>): void {
    this.#known.set(summary.thread, { summary, vector, digest: vectorHash(vector) })
  }
}

/** @param changes ascending seq for each actor */
function highest(changes: readonly Logged[]): Map<string, number> {
  return new Map(changes.map(({ actor, seq }) => [actor, seq]))
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString()
}
