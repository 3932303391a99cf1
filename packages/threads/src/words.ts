import { type Entry, isLaptopActor, isType, type PeerId, type ThreadId } from '@bzzz/protocols'
import { type HiddenReason, readEntry } from './entry-text.ts'
import type { Change } from './history.ts'
import { nameOf, nodeName, type ViewedEntry } from './view.ts'

/** Where an entry stands among those that neither precede nor follow it; along causes it only grows. */
interface Rank {
  /** Time of the change's first entry, raised to that of its causes: a slow clock does not move a reply before its question. */
  readonly ms: number
  readonly startOp: number
  readonly id: string
}

interface Shown {
  readonly viewed: ViewedEntry
  readonly rank: Rank
}

interface Added {
  readonly shown: ViewedEntry[]
  readonly hidden: HiddenReason[]
}

/** The entries of a loaded thread that are shown: one per (peer, id), in their order. */
export class Words {
  readonly #thread: ThreadId
  readonly #ranks = new Map<string, Rank>()
  readonly #shown = new Map<string, Shown>()
  /** Hashes of changes that end in an entry that archives. */
  readonly #archiving = new Set<string>()
  #order: Shown[] = []
  #sorted = true
  #entries: readonly ViewedEntry[] = []

  constructor(thread: ThreadId) {
    this.#thread = thread
  }

  get size(): number {
    return this.#shown.size
  }

  has(peer: PeerId, id: string): boolean {
    return this.#shown.has(nodeName(peer, id))
  }

  /** The last entry of the change archives the thread. */
  archives(change: string): boolean {
    return this.#archiving.has(change)
  }

  /** @returns the entries of this change that are shown now, and why others are not */
  add(change: Change, peer: PeerId, texts: readonly string[]): Added {
    return this.addRead(
      change,
      peer,
      texts.map((text) => readEntry(this.#thread, text, peer, change.actor)),
    )
  }

  /** The same where they are read already. */
  addRead(change: Change, peer: PeerId, read: readonly (Entry | HiddenReason)[]): Added {
    const { actor, seq, hash } = change
    const laptop = isLaptopActor(actor)
    const rank = this.#rankOf(change, read.find(isEntry))
    const last = read.at(-1)
    if (last !== undefined && isEntry(last) && isType(last, 'archive')) this.#archiving.add(hash)
    const shown: ViewedEntry[] = []
    const hidden: HiddenReason[] = []
    for (const [index, value] of read.entries()) {
      const viewed = isEntry(value)
        ? { entry: value, peer, actor, laptop, seq, index, change: hash, document: this.#thread }
        : undefined
      if (viewed !== undefined && this.#show({ viewed, rank })) shown.push(viewed)
      else hidden.push(isEntry(value) ? 'duplicate' : value)
    }
    return { shown, hidden }
  }

  /** The same array until something is added. */
  entries(): readonly ViewedEntry[] {
    if (!this.#sorted) this.#order.sort(compare)
    this.#sorted = true
    if (this.#entries.length === 0) this.#entries = this.#order.map(({ viewed }) => viewed)
    return this.#entries
  }

  #rankOf(change: Change, earliest: Entry | undefined): Rank {
    const ms = Math.max(earliest?.ts ?? 0, ...change.deps.map((dep) => this.#ranks.get(dep)?.ms ?? 0))
    const rank = { ms, startOp: change.startOp, id: earliest?.id ?? '' }
    this.#ranks.set(change.hash, rank)
    return rank
  }

  #show(candidate: Shown): boolean {
    const key = nameOf(candidate.viewed)
    const known = this.#shown.get(key)
    if (known !== undefined && !isSmaller(candidate.viewed, known.viewed)) return false
    this.#shown.set(key, candidate)
    if (known === undefined) this.#order.push(candidate)
    else this.#order = [...this.#shown.values()]
    const before = this.#order.at(-2)
    this.#sorted &&= known === undefined && (before === undefined || compare(before, candidate) < 0)
    this.#entries = []
    return true
  }
}

function isEntry(value: Entry | HiddenReason): value is Entry {
  return typeof value !== 'string'
}

/** Which of two entries with one (peer, id) is shown, everywhere. */
function isSmaller(a: ViewedEntry, b: ViewedEntry): boolean {
  return a.change === b.change ? a.index < b.index : a.change < b.change
}

function compare(a: Shown, b: Shown): number {
  if (a.viewed.change === b.viewed.change) return a.viewed.index - b.viewed.index
  return (
    a.rank.ms - b.rank.ms ||
    a.rank.startOp - b.rank.startOp ||
    ascending(a.rank.id, b.rank.id) ||
    ascending(a.viewed.change, b.viewed.change)
  )
}

function ascending(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
