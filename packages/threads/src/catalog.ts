import { type Latest, type SeqVector, type ThreadId, vectorHash } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import type { Cut, Cuts } from './equivocation.ts'
import { Parts } from './parts.ts'
import type { PartSummary } from './summary.ts'

// What a node keeps in memory for every thread on its disk is about a kilobyte.
const MAX_THREADS = 100_000

interface Known {
  readonly summary: PartSummary
  readonly vector: SeqVector
  readonly cuts: Cuts
  readonly digest: Uint8Array
}

interface Change extends Latest {
  readonly actor: string
}

const NO_CUTS: Cuts = new Map()

/**
 * The index of all documents on disk, threads and their later parts: the summary of each (`i/<thread>`), how far its log
 * goes (`v/<thread>/<actor>`), and where actors end that signed two changes with one number (`e/<thread>/<actor>`), written
 * in one batch with the changes they speak of. In memory only what is synced.
 */
export class Catalog {
  /** Which documents make one thread. */
  readonly parts: Parts
  readonly #known = new Map<ThreadId, Known>()

  /** @param minPartEntries as `minEntries` of the parts */
  constructor(minPartEntries = 1) {
    const entriesOf = (document: ThreadId) => this.summary(document)?.entries ?? 0
    this.parts = new Parts({ minEntries: minPartEntries, entriesOf })
  }

  static async open(room: Room, minPartEntries: number): Promise<Catalog> {
    const vectors = await rowsByActor<Latest>(room, 'v')
    const cuts = await rowsByActor<Cut>(room, 'e')
    const catalog = new Catalog(minPartEntries)
    for await (const [, value] of room.entries({ gt: 'i/', lt: 'i0' })) {
      const summary = JSON.parse(textOf(value)) as PartSummary
      catalog.#set(summary, vectors.get(summary.thread) ?? new Map(), cuts.get(summary.thread))
    }
    return catalog
  }

  get isFull(): boolean {
    return this.#known.size >= MAX_THREADS
  }

  has(thread: ThreadId): boolean {
    return this.#known.has(thread)
  }

  list(): PartSummary[] {
    return [...this.#known.values()].map(({ summary }) => summary)
  }

  vector(thread: ThreadId): SeqVector {
    return this.#known.get(thread)?.vector ?? new Map()
  }

  summary(thread: ThreadId): PartSummary | undefined {
    return this.#known.get(thread)?.summary
  }

  digestOf(thread: ThreadId): Uint8Array | undefined {
    return this.#known.get(thread)?.digest
  }

  digest(): Map<ThreadId, Uint8Array> {
    return new Map([...this.#known].map(([thread, { digest }]) => [thread, digest]))
  }

  /** Where actors of the thread end that signed two changes with one number. */
  cuts(thread: ThreadId): Cuts {
    return this.#known.get(thread)?.cuts ?? NO_CUTS
  }

  /** What must be written together with these changes. @param changes ascending seq for each actor */
  operations(summary: PartSummary, changes: readonly Change[]): Operation[] {
    const { thread } = summary
    return [
      { put: `i/${thread}`, value: bytesOf(summary) },
      ...[...latest(changes)].map(([actor, last]) => ({ put: `v/${thread}/${actor}`, value: bytesOf(last) })),
    ]
  }

  /** Once they are synced. */
  commit(summary: PartSummary, changes: readonly Change[]): void {
    const { thread } = summary
    this.#set(summary, new Map([...this.vector(thread), ...latest(changes)]), this.cuts(thread))
  }

  /** What must be written when changes go. @param changes all that the log has from now on, ascending seq for each actor */
  replaceOperations(summary: PartSummary, changes: readonly Change[], cuts: Cuts): Operation[] {
    const { thread } = summary
    return [
      ...[...this.vector(thread).keys()].map((actor) => ({ del: `v/${thread}/${actor}` })),
      ...this.operations(summary, changes),
      ...[...cuts].map(([actor, cut]) => ({ put: `e/${thread}/${actor}`, value: bytesOf(cut) })),
    ]
  }

  /** Once that is synced. */
  replace(summary: PartSummary, changes: readonly Change[], cuts: Cuts): void {
    this.#set(summary, latest(changes), cuts)
  }

  #set(summary: PartSummary, vector: SeqVector, cuts: Cuts = NO_CUTS): void {
    this.#known.set(summary.thread, { summary, vector, cuts, digest: vectorHash(vector) })
    this.parts.note(summary)
  }
}

async function rowsByActor<T>(room: Room, prefix: string): Promise<Map<ThreadId, Map<string, T>>> {
  const threads = new Map<ThreadId, Map<string, T>>()
  for await (const [key, value] of room.entries({ gt: `${prefix}/`, lt: `${prefix}0` })) {
    const [, thread, actor] = key.split('/') as [string, ThreadId, string]
    const rows = threads.get(thread) ?? new Map<string, T>()
    threads.set(thread, rows.set(actor, JSON.parse(textOf(value)) as T))
  }
  return threads
}

function latest(changes: readonly Change[]): Map<string, Latest> {
  return new Map(changes.map(({ actor, seq, hash }) => [actor, { seq, hash }]))
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString()
}
