import {
  type ChangeHeader,
  type Envelope,
  inspectChange,
  MAX_VECTOR_ACTORS,
  type PeerId,
  type ThreadId,
} from '@bzzz/protocols'
import {
  appendTexts,
  applyChange,
  buildDocument,
  freeDocument,
  genesisChange,
  headsOf,
  placeOf,
  type ThreadDocument,
  textsAt,
} from './document.ts'
import type { HiddenReason } from './entry-text.ts'
import { ThreadsError } from './errors.ts'
import { type Change, History, type Placement } from './history.ts'
import { type Standing, stand, summaryOf, type ThreadSummary, untouched } from './summary.ts'
import type { ThreadView, ViewedEntry } from './view.ts'
import { Words } from './words.ts'

/** What one change brought. */
export interface Brought {
  readonly shown: readonly ViewedEntry[]
  readonly hidden: readonly HiddenReason[]
}

export type Admission =
  | { readonly status: 'applied'; readonly brought: Brought }
  | Exclude<Placement, { status: 'next' }>
  | { readonly status: 'refused'; readonly code: 'OWN_ACTOR' }
  /** The change did what it may not, or the CRDT failed on it: this document is spoilt and must be made anew. */
  | { readonly status: 'spoilt'; readonly code: 'NOT_AN_APPEND' | 'CRDT_REFUSED'; readonly cause?: unknown }

/**
 * One thread in memory: the document, the history of its changes, and the entries in it. It runs ahead of the disk while a
 * commit is in flight, so it is looked at only between commits, and thrown away when one fails.
 */
export class LoadedThread {
  readonly thread: ThreadId
  readonly #actor: string
  readonly #history: History
  readonly #words: Words
  #document: ThreadDocument
  #standing: Standing = untouched

  /**
   * @param actor of this opening of the store
   * @param log the thread's whole log, in any order, from our own disk
   * @throws {ThreadsError} LOG_DAMAGED if it does not make a document with all of its changes in it
   */
  constructor(thread: ThreadId, actor: string, log: readonly Envelope[]) {
    this.thread = thread
    this.#actor = actor
    this.#words = new Words(thread)
    const genesis = genesisChange(thread)
    this.#history = new History(inspectChange(genesis).hash, MAX_VECTOR_ACTORS)
    const ordered = log.toSorted((a, b) => a.header.startOp - b.header.startOp)
    this.#document = this.#build([genesis, ...ordered.map(({ change }) => change)])
    for (const envelope of ordered) this.#restore(envelope)
    if (String(headsOf(this.#document)) !== String(this.heads)) throw this.#damaged('the document lacks changes')
  }

  get heads(): string[] {
    return this.#history.heads
  }

  has(peer: PeerId, id: string): boolean {
    return this.#words.has(peer, id)
  }

  /** How many entries the next own change can take: the rest of a page. */
  get room(): number {
    return placeOf(this.#actor, this.#history.count(this.#actor)).room
  }

  /** One own change of at most {@link room} entries. @returns the change, still to be signed and written */
  append(self: PeerId, texts: readonly string[]): { change: Uint8Array; header: ChangeHeader; brought: Brought } {
    const { document, change } = appendTexts(this.#document, this.#history.count(this.#actor), texts)
    this.#document = document
    const header = inspectChange(change)
    return { change, header, brought: this.#add(this.#next(header), self, texts) }
  }

  /** Applies a change whose signature was checked, if its causes are here and it is what an honest writer makes. */
  admit({ author, header, change }: Envelope): Admission {
    const placement = this.#history.place(header)
    const isNew = placement.status === 'next' || placement.status === 'missing'
    if (isNew && header.actor === this.#actor) return { status: 'refused', code: 'OWN_ACTOR' }
    if (placement.status !== 'next') return placement
    const applied = this.#apply(change, placement.change)
    if ('status' in applied) return applied
    return { status: 'applied', brought: this.#add(placement.change, author, applied.texts) }
  }

  view(): ThreadView {
    const history = this.#history
    return {
      thread: this.thread,
      heads: this.heads,
      entries: this.#words.entries(),
      precedes: (a, b) => (a.change === b.change ? a.index < b.index : history.includes(b.change, a)),
    }
  }

  /** @param bytes of all envelopes in the log */
  summary(bytes: number): ThreadSummary {
    return summaryOf(this.thread, this.#standing, { entries: this.#words.size, bytes })
  }

  /** Gives the memory back, also of a document that a wasm panic has spoilt. */
  free(): void {
    freeDocument(this.#document)
  }

  #build(changes: readonly Uint8Array[]): ThreadDocument {
    try {
      return buildDocument(this.#actor, changes)
    } catch (cause) {
      throw this.#damaged('the CRDT cannot load it', cause)
    }
  }

  #restore({ author, header }: Envelope): void {
    const change = this.#next(header)
    this.#add(change, author, textsAt(this.#document, change))
  }

  #next(header: ChangeHeader): Change {
    const placement = this.#history.place(header)
    if (placement.status === 'next') return placement.change
    throw this.#damaged(`change ${header.hash.slice(0, 12)} has no place (${placement.status})`)
  }

  #apply(bytes: Uint8Array, change: Change): { texts: string[] } | (Admission & { status: 'spoilt' }) {
    try {
      const { document, texts } = applyChange(this.#document, bytes, change)
      this.#document = document
      return texts === undefined ? { status: 'spoilt', code: 'NOT_AN_APPEND' } : { texts }
    } catch (cause) {
      return { status: 'spoilt', code: 'CRDT_REFUSED', cause }
    }
  }

  #add(change: Change, author: PeerId, texts: readonly string[]): Brought {
    this.#history.add(change)
    const brought = this.#words.add(change, author, texts)
    this.#standing = brought.shown.reduce(stand, this.#standing)
    return brought
  }

  #damaged(what: string, cause?: unknown): ThreadsError {
    return new ThreadsError('LOG_DAMAGED', `the log of thread ${this.thread} is damaged: ${what}`, { cause })
  }
}
