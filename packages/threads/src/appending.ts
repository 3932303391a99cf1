import { createHash } from 'node:crypto'
import {
  continueId,
  type EntryOf,
  isLaptopActor,
  MAX_NAMED_HEADS,
  MAX_PART,
  successorId,
  type ThreadId,
} from '@bzzz/protocols'
import type { Desk } from './commit.ts'
import { type Written, writeEntry } from './entry-text.ts'
import { InHand } from './in-hand.ts'
import type { Appended } from './port.ts'
import type { Readings } from './readings.ts'
import type { Writers } from './writers.ts'

export interface AppendingOptions {
  readonly desk: Desk
  readonly writers: Writers
  readonly readings: Readings
  /** From so many entries on a part is left for the next one. */
  readonly maxPartEntries: number
}

/** A thread while something is being appended to it. */
interface Open {
  /** Number of the part that takes it; only grows. */
  part: number
  /** This node has said where that part goes on from. */
  isContinued: boolean
  /** What was called for before is in the queue of its writer, or has failed. */
  placed: Promise<unknown>
  readonly inHand: Set<Promise<Appended>>
}

type Digests = readonly (Uint8Array | undefined)[]

// Of more long threads at a time the index is asked again.
const MAX_REMEMBERED = 256

/**
 * Appends to threads that may have several parts: to the newest, and to the next one when that is full. Nobody else is asked,
 * so two nodes can leave a part at different times; both go on in the same one.
 */
export class Appending {
  readonly #options: AppendingOptions
  readonly #ownKey: string
  readonly #open = new Map<ThreadId, Open>()
  readonly #inHand = new InHand()
  /** How far the earlier parts went when it was last made sure that the newest says what it follows. */
  readonly #continued = new Map<ThreadId, Digests>()

  constructor(options: AppendingOptions) {
    this.#options = options
    this.#ownKey = Buffer.from(options.desk.signer.publicKey).toString('hex')
  }

  /** @throws {ThreadsError} */
  append(thread: ThreadId, written: Written): Promise<Appended> {
    return this.#inHand.hold(this.#append(thread, this.#due(thread), written))
  }

  /** Into each part that is not archived; the thread is, once the newest is. */
  archive(thread: ThreadId, entry: EntryOf<'archive'>): Promise<Appended> {
    return this.#inHand.hold(this.#archive(thread, entry))
  }

  /** Waits for work in hand. */
  close(): Promise<void> {
    return this.#inHand.settled()
  }

  async #archive(thread: ThreadId, entry: EntryOf<'archive'>): Promise<Appended> {
    const { desk, writers } = this.#options
    const { catalog, signer } = desk
    for (let part = 0; part < catalog.parts.of(thread).length - 1; part++) {
      const document = catalog.parts.of(thread)[part] ?? thread
      if (catalog.summary(document)?.archived === true) continue
      const id = `${entry.id.slice(0, 58)}-p${part}`
      await writers.of(document).append(writeEntry({ ...entry, id }, signer.peer))
    }
    const newest = catalog.parts.of(thread).length - 1
    return this.#append(thread, newest, writeEntry(entry, signer.peer))
  }

  /** Which part takes the next entry, as far as is synced. */
  #due(thread: ThreadId): number {
    const { desk, maxPartEntries } = this.#options
    const parts = desk.catalog.parts.of(thread)
    const newest = parts.length - 1
    const { entries = 0 } = desk.catalog.summary(parts[newest] ?? thread) ?? {}
    const goesOn = entries >= maxPartEntries && newest < MAX_PART && !desk.catalog.isFull
    return goesOn ? newest + 1 : newest
  }

  #append(thread: ThreadId, due: number, written: Written): Promise<Appended> {
    const fresh = { part: due, isContinued: false, placed: Promise.resolve(), inHand: new Set<Promise<Appended>>() }
    const open: Open = this.#open.get(thread) ?? fresh
    this.#open.set(thread, open)
    if (due > open.part) {
      open.part = due
      open.isContinued = false
      open.placed = Promise.allSettled([open.placed, ...open.inHand]) // what was said in the parts before is then known
    }
    const work = open.part === 0 ? this.#options.writers.of(thread).append(written) : this.#later(thread, open, written)
    open.inHand.add(work)
    const over = () => {
      open.inHand.delete(work)
      if (open.inHand.size === 0) this.#open.delete(thread)
    }
    work.then(over, over)
    return work
  }

  /** In the order of the calls. */
  async #later(thread: ThreadId, open: Open, written: Written): Promise<Appended> {
    const { part } = open
    const placing = open.placed.then(() => this.#place(thread, part, open, written))
    open.placed = placing.catch(() => {}) // whoever appends is told
    return (await placing).appended
  }

  async #place(
    thread: ThreadId,
    part: number,
    open: Open,
    written: Written,
  ): Promise<{ readonly appended: Promise<Appended> }> {
    const { desk, writers, readings } = this.#options
    const { id } = written.entry
    const parts = desk.catalog.parts.of(thread).slice(0, part)
    if (await readings.saidBefore(parts, desk.signer.peer, id)) {
      const heads = [...(await readings.heads(parts.at(-1) ?? thread))]
      return { appended: Promise.resolve({ thread, id, repeated: true, heads }) }
    }
    const document = successorId(thread, part)
    const lead = await this.#leadOf(thread, { part, document, parts }, open)
    // one after the other into the queue, so into one change where they fit
    const writer = writers.of(document)
    const first = lead === undefined ? undefined : writer.append(lead)
    const appended = Promise.all([writer.append(written), first]).then(([own]) => ({ ...own, thread }))
    return { appended }
  }

  /**
   * Where the part goes on from: said once by each node that writes in it, and again when an earlier one has gone on since, so
   * that what follows what can be told across parts. @returns undefined when nothing is to be said
   */
  async #leadOf(
    thread: ThreadId,
    { part, document, parts }: { part: number; document: ThreadId; parts: readonly ThreadId[] },
    open: Open,
  ): Promise<Written | undefined> {
    const { desk, readings } = this.#options
    const { catalog, signer, now } = desk
    const isFirst = !open.isContinued && ![...catalog.vector(document).keys()].some((actor) => this.#isOwn(actor))
    const digests = parts.map((each) => catalog.digestOf(each))
    if (!isFirst && isSame(this.#continued.get(thread), digests)) return undefined
    const openHeads = await readings.openHeads(parts, document)
    const heads = isFirst && openHeads.length === 0 ? await readings.heads(parts.at(-1) ?? thread) : openHeads
    this.#remember(thread, digests)
    open.isContinued ||= open.part === part
    if (heads.length === 0) return undefined
    const id = isFirst ? continueId(part) : `${continueId(part)}-${contentHash(heads)}`
    const content = `part ${part} of the conversation ${isFirst ? 'begins here' : 'goes on from more of those before it'}`
    const base = { id, author: `system@${signer.peer}`, ts: now(), content }
    const named = heads.slice(0, MAX_NAMED_HEADS)
    return writeEntry({ ...base, type: 'continue', of: thread, part, heads: named }, signer.peer)
  }

  #isOwn(actor: string): boolean {
    return actor.startsWith(this.#ownKey) && !isLaptopActor(actor)
  }

  #remember(thread: ThreadId, digests: Digests): void {
    this.#continued.delete(thread)
    this.#continued.set(thread, digests)
    const [oldest] = this.#continued.keys()
    if (this.#continued.size > MAX_REMEMBERED && oldest !== undefined) this.#continued.delete(oldest)
  }
}

/** Each is another object when the part has gone on. */
function isSame(known: Digests | undefined, digests: Digests): boolean {
  return known?.length === digests.length && digests.every((digest, i) => digest === known[i])
}

function contentHash(heads: readonly string[]): string {
  return createHash('sha256').update(heads.join()).digest('hex').slice(0, 16)
}
