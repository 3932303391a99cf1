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
import { isOwn } from './entry-names.ts'
import { type Written, writeEntry } from './entry-text.ts'
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

/**
 * Appends to threads that may have several parts: to the newest, and to the next one when that is full. Nobody else is asked,
 * so two nodes can leave a part at different times; both go on in the same one.
 */
export class Appending {
  readonly #options: AppendingOptions
  readonly #ownKey: string
  readonly #open = new Map<ThreadId, Open>()

  constructor(options: AppendingOptions) {
    this.#options = options
    this.#ownKey = Buffer.from(options.desk.signer.publicKey).toString('hex')
  }

  /** @throws {ThreadsError} */
  append(thread: ThreadId, written: Written): Promise<Appended> {
    return this.#append(thread, this.#due(thread), written)
  }

  /** Into each part that is not archived; the thread is, once the newest is. */
  async archive(thread: ThreadId, entry: EntryOf<'archive'>): Promise<Appended> {
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
    const lead = open.isContinued ? undefined : await this.#leadOf(thread, part, document)
    open.isContinued = open.part === part
    // one after the other into the queue, so into one change where they fit
    const writer = writers.of(document)
    const first = lead === undefined ? undefined : writer.append(lead)
    const appended = Promise.all([writer.append(written), first]).then(([own]) => ({ ...own, thread }))
    return { appended }
  }

  /** @returns undefined when this node has written in the part, and so has said it */
  async #leadOf(thread: ThreadId, part: number, document: ThreadId): Promise<Written | undefined> {
    const { desk, readings } = this.#options
    const { catalog, signer, now } = desk
    const actors = [...catalog.vector(document).keys()]
    if (actors.some((actor) => isOwn(actor, this.#ownKey) && !isLaptopActor(actor))) return undefined
    const before = catalog.parts.of(thread)[part - 1] ?? thread
    const heads = (await readings.heads(before)).slice(0, MAX_NAMED_HEADS)
    const content = `part ${part} of the conversation begins here`
    const base = { id: continueId(part), author: `system@${signer.peer}`, ts: now(), content }
    return writeEntry({ ...base, type: 'continue', of: thread, part, heads }, signer.peer)
  }
}
