import {
  type ChangeHeader,
  type Envelope,
  inspectChange,
  MAX_VECTOR_ACTORS,
  type PeerId,
  type ThreadId,
} from '@bzzz/protocols'
import {
  applyAppends,
  buildDocument,
  freeDocument,
  genesisChange,
  headsOf,
  placeOf,
  type ThreadDocument,
} from './document.ts'
import type { HiddenReason, Written } from './entry-text.ts'
import { type Cut, type Cuts, cutBy, stands } from './equivocation.ts'
import { ThreadsError } from './errors.ts'
import { type Change, History, type Placement } from './history.ts'
import { madeAppend } from './made-append.ts'
import { plainTexts } from './plain-append.ts'
import { type PartSummary, type Standing, stand, summaryOf, type ThreadSummary, untouched } from './summary.ts'
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
  /** It does not stand, or follows what does not: known without a look at the rest of it. */
  | { readonly status: 'lost' }
  /** It shows that its actor ends here: the log must be weighed anew. */
  | { readonly status: 'cut'; readonly cut: Cut }
  /** Somebody else writes with the actor of this loaded thread: another one must be drawn. */
  | { readonly status: 'own actor' }
  /** The CRDT failed on the change: this document is spoilt and must be made anew. */
  | { readonly status: 'spoilt'; readonly code: 'CRDT_REFUSED'; readonly cause?: unknown }
  | Unsettled

/** The CRDT failed on changes that were admitted already, on which is not known: one by one will show. */
export interface Unsettled {
  readonly status: 'unsettled'
  readonly cause: unknown
}

/** What may not come into the document. */
export interface Barred {
  readonly cuts: Cuts
  /** Of changes in quarantine. */
  readonly hashes: ReadonlySet<string>
}

const NOTHING_BARRED: Barred = { cuts: new Map(), hashes: new Set() }

// Two envelopes stay for each; a member who does this more often in one thread has to leave the mesh.
const MAX_CUTS_PER_AUTHOR = 64
const PUBLIC_KEY_DIGITS = 64

/**
 * One thread in memory: the document, the history of its changes, and the entries in it. It runs ahead of the disk while a
 * commit is in flight, so it is looked at only between commits, and thrown away when one fails.
 */
export class LoadedThread {
  readonly thread: ThreadId
  readonly #actor: string
  readonly #history: History
  readonly #words: Words
  readonly #barred: Barred
  readonly #pace: 'together' | 'one by one'
  /** Admitted, and not in the document yet. */
  #behind: Uint8Array[] = []
  #document: ThreadDocument
  #standing: Standing = untouched

  /**
   * @param actor of this opening of the store
   * @param log the thread's whole log, in any order, from our own disk
   * @param pace whether what can be told to be an append without the CRDT goes into it together
   * @throws {ThreadsError} LOG_DAMAGED if it does not make a document with all of its changes in it
   */
  constructor(
    thread: ThreadId,
    actor: string,
    log: readonly Envelope[],
    barred = NOTHING_BARRED,
    pace: 'together' | 'one by one' = 'together',
  ) {
    this.thread = thread
    this.#actor = actor
    this.#pace = pace
    this.#barred = barred
    this.#words = new Words(thread)
    const genesis = genesisChange(thread)
    this.#history = new History(inspectChange(genesis).hash, MAX_VECTOR_ACTORS)
    const ordered = log.toSorted((a, b) => a.header.startOp - b.header.startOp)
    this.#document = this.#build([genesis, ...ordered.map(({ change }) => change)])
    for (const envelope of ordered) this.#restore(envelope)
    if (!this.#isComplete) throw this.#damaged('the document lacks changes')
  }

  get heads(): string[] {
    return this.#history.heads
  }

  get #isComplete(): boolean {
    return String(headsOf(this.#document)) === String(this.heads)
  }

  /** Nothing was written but what archives since somebody archived it: what no other change follows all ends in that. */
  get #archived(): boolean {
    return this.heads.every((hash) => this.#words.archives(hash))
  }

  has(peer: PeerId, id: string): boolean {
    return this.#words.has(peer, id)
  }

  /** How many entries the next own change can take: the rest of a page. */
  get room(): number {
    return placeOf(this.#actor, this.#history.count(this.#actor)).room
  }

  /**
   * One own change of at most {@link room} entries, in JSON. The document has it only once all is settled.
   * @returns the change, still to be signed and written
   */
  append(self: PeerId, entries: readonly Written[]): { change: Uint8Array; header: ChangeHeader; brought: Brought } {
    const texts = entries.map(({ text }) => text)
    const { change, header } = madeAppend(this.#history.next(this.#actor, texts.length), texts)
    this.#behind.push(change)
    const read = entries.map(({ entry }) => entry)
    const next = this.#next(header)
    return { change, header, brought: this.#added(next, this.#words.addRead(next, self, read)) }
  }

  /**
   * Takes a change whose signature was checked, if its causes are here and it is what an honest writer makes. The document
   * may have it only once all is settled.
   */
  admit({ author, header, change }: Envelope): Admission {
    const placement = this.#judge(header) ?? this.#history.place(header)
    if (placement.status !== 'next') return placement
    const texts = this.#textsOf(change, placement.change)
    if (texts === undefined) return { status: 'refused', code: 'NOT_AN_APPEND' }
    if (this.#pace === 'one by one') return this.#admitAlone(author, change, placement.change, texts)
    this.#behind.push(change)
    return { status: 'applied', brought: this.#add(placement.change, author, texts) }
  }

  /** Brings the document up to what was admitted. @returns why it is spoilt instead */
  settle(): Unsettled | undefined {
    if (this.#behind.length === 0) return undefined
    try {
      applyAppends(this.#document, this.#behind)
      this.#behind = []
      return this.#isComplete ? undefined : this.#unsettled(this.#damaged('the document lacks changes'))
    } catch (cause) {
      return this.#unsettled(cause) // the CRDT says no more of it than that
    }
  }

  /** @throws {ThreadsError} LOG_DAMAGED where only own changes can have been behind: nobody else is guilty of that */
  #unsettled(cause: unknown): Unsettled {
    if (this.#pace === 'one by one') throw this.#damaged('the CRDT does not take what this node made', cause)
    return { status: 'unsettled', cause }
  }

  #textsOf(bytes: Uint8Array, change: Change): string[] | undefined {
    const entryOp = this.#history.at(change.actor, change.seq - 1)?.lastOp ?? 0
    return plainTexts(bytes, { ...change, entryOp })
  }

  /** @returns undefined if nothing speaks against it */
  #judge(header: ChangeHeader): Exclude<Admission, { status: 'applied' }> | undefined {
    const { actor, seq, hash, deps } = header
    const { cuts, hashes } = this.#barred
    if (this.#history.has(hash)) return { status: 'repeat' }
    const before = cuts.get(actor)
    const cut = cutBy(header, this.#history.at(actor, seq) ?? (before?.seq === seq ? before : undefined), before)
    if (cut !== undefined && cut !== before) {
      const isBounded = before !== undefined || cutsOfAuthor(cuts, actor) < MAX_CUTS_PER_AUTHOR
      return isBounded ? { status: 'cut', cut } : { status: 'refused', code: 'EQUIVOCATION' }
    }
    if (!stands(header, cut) || [hash, ...deps].some((known) => hashes.has(known))) return { status: 'lost' }
    return actor === this.#actor ? { status: 'own actor' } : undefined
  }

  includes(hash: string): boolean {
    return this.#history.has(hash)
  }

  view(): ThreadView {
    const history = this.#history
    return {
      thread: this.thread,
      heads: this.heads,
      archived: this.#archived,
      entries: this.#words.entries(),
      precedes: (a, b) => (a.change === b.change ? a.index < b.index : history.includes(b.change, a)),
    }
  }

  summary(size: Pick<ThreadSummary, 'bytes' | 'storedBytes'>): PartSummary {
    const { bytes, storedBytes } = size
    const totals = { entries: this.#words.size, archived: this.#archived, bytes, storedBytes }
    return summaryOf(this.thread, this.#standing, totals)
  }

  /** For what looks at the document as the CRDT knows it, once all is settled; the changes in it stay as they are. */
  exchange<T>(look: (document: ThreadDocument) => readonly [ThreadDocument, T]): T {
    const [document, found] = look(this.#document)
    this.#document = document
    return found
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

  #restore({ author, header, change }: Envelope): void {
    const placed = this.#next(header)
    const texts = this.#textsOf(change, placed)
    if (texts === undefined) throw this.#damaged(`change ${header.hash.slice(0, 12)} is no append`)
    this.#add(placed, author, texts)
  }

  #next(header: ChangeHeader): Change {
    const placement = this.#history.place(header)
    if (placement.status === 'next') return placement.change
    throw this.#damaged(`change ${header.hash.slice(0, 12)} has no place (${placement.status})`)
  }

  #admitAlone(author: PeerId, bytes: Uint8Array, change: Change, texts: readonly string[]): Admission {
    try {
      applyAppends(this.#document, [bytes])
    } catch (cause) {
      return { status: 'spoilt', code: 'CRDT_REFUSED', cause }
    }
    return { status: 'applied', brought: this.#add(change, author, texts) }
  }

  #add(change: Change, author: PeerId, texts: readonly string[]): Brought {
    return this.#added(change, this.#words.add(change, author, texts))
  }

  #added(change: Change, brought: Brought): Brought {
    this.#history.add(change)
    this.#standing = brought.shown.reduce(stand, this.#standing)
    return brought
  }

  #damaged(what: string, cause?: unknown): ThreadsError {
    return new ThreadsError('LOG_DAMAGED', `the log of thread ${this.thread} is damaged: ${what}`, { cause })
  }
}

function cutsOfAuthor(cuts: Cuts, actor: string): number {
  const key = actor.slice(0, PUBLIC_KEY_DIGITS)
  return [...cuts.keys()].filter((other) => other.startsWith(key)).length
}
