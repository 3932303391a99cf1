import { type ChangeHeader, MAX_DEPS } from '@bzzz/protocols'
import { GENESIS_OPS, placeOf } from './document.ts'

/** A change in its place: which entries of its actor it holds, and what it follows. */
export interface Change {
  readonly hash: string
  readonly actor: string
  /** From 1, without gaps per actor. */
  readonly seq: number
  /** Greater than that of every change in its past. */
  readonly startOp: number
  readonly lastOp: number
  readonly deps: readonly string[]
  /** Entries of the same actor before it, and in it. */
  readonly count: number
  readonly size: number
  /** The operation that made the page its entries are in. */
  readonly pageOp: number
  /** Highest sequence number in its past, itself included, by the actor's number in this history. */
  readonly clock: readonly number[]
}

/** A change that is still to be made. */
export interface Next extends Omit<Change, 'hash' | 'lastOp' | 'clock'> {
  /** The operation of the actor's entry before it, 0 if there is none. */
  readonly entryOp: number
}

export type Placement =
  | { readonly status: 'next'; readonly change: Change }
  | { readonly status: 'repeat' }
  | { readonly status: 'missing'; readonly dep: string }
  | { readonly status: 'refused'; readonly code: 'EQUIVOCATION' | 'BAD_SEQUENCE' | 'NOT_AN_APPEND' | 'TOO_MANY_ACTORS' }

// Of one key in one document, of a node's own and of its laptops' each: nobody can use up the room of the others.
const MAX_ACTORS_PER_AUTHOR = 1_024
const PUBLIC_KEY_DIGITS = 64

function groupOf(actor: string): string {
  return `${actor.slice(0, PUBLIC_KEY_DIGITS)}/${actor.length}`
}

/**
 * The graph of a loaded thread's changes, kept beside the CRDT, which queues orphans without bound, accepts operation
 * numbers that it cannot load again, and panics on gaps. What an honest writer puts into a header follows from what the
 * change depends on, so anything else is refused before the CRDT sees it.
 */
export class History {
  readonly #changes = new Map<string, Change>()
  readonly #numbers = new Map<string, number>()
  readonly #perAuthor = new Map<string, number>()
  /** The changes of each actor by sequence number, by the actor's number. */
  readonly #chains: Change[][] = []
  readonly #heads = new Set<string>()
  readonly #maxActors: number

  constructor(genesisHash: string, maxActors: number) {
    this.#maxActors = maxActors
    this.#heads.add(genesisHash)
    const beginning = { hash: genesisHash, actor: '00', seq: 1, startOp: 1, lastOp: GENESIS_OPS, deps: [] }
    this.#changes.set(genesisHash, { ...beginning, count: 0, size: 0, pageOp: 0, clock: [] })
  }

  get heads(): string[] {
    return [...this.#heads].sort()
  }

  has(hash: string): boolean {
    return this.#changes.has(hash)
  }

  /** The actor's change with this number. */
  at(actor: string, seq: number): Change | undefined {
    return this.#chainOf(actor)[seq - 1]
  }

  /** Entries of this actor so far. */
  count(actor: string): number {
    const latest = this.#chainOf(actor).at(-1)
    return latest === undefined ? 0 : latest.count + latest.size
  }

  /** Where the actor's next change stands if it is made now, with so many entries: after all that is here. */
  next(actor: string, size: number): Next {
    const before = this.#chainOf(actor).at(-1)
    // Its own last change too, where others have built on it since. Heads beyond the bound wait for the next change.
    const own = before === undefined ? [] : [before.hash]
    const deps = [...new Set([...own, ...this.heads])].slice(0, MAX_DEPS).sort()
    const seq = this.#chainOf(actor).length + 1
    const startOp = this.#pastOf({ actor, deps }).lastOp + 1
    const count = this.count(actor)
    const pageOp = placeOf(actor, count).index === 0 ? startOp : (before?.pageOp ?? 0)
    return { actor, seq, startOp, deps, count, size, pageOp, entryOp: before?.lastOp ?? 0 }
  }

  place(header: ChangeHeader): Placement {
    if (this.#changes.has(header.hash)) return { status: 'repeat' }
    if (header.seq <= this.#chainOf(header.actor).length) return { status: 'refused', code: 'EQUIVOCATION' }
    const missing = header.deps.find((dep) => !this.#changes.has(dep))
    if (missing !== undefined) return { status: 'missing', dep: missing }
    return this.#follow(header)
  }

  #follow(header: ChangeHeader): Placement {
    const { number, past, lastOp } = this.#pastOf(header)
    // Its own predecessor must be among its causes: everybody then sees the same entries before it.
    const inSequence = (past[number] ?? 0) === header.seq - 1 && this.#chainOf(header.actor).length === header.seq - 1
    if (!inSequence || header.startOp !== lastOp + 1) return { status: 'refused', code: 'BAD_SEQUENCE' }
    if (number === this.#numbers.size && this.#isCrowded(header.actor))
      return { status: 'refused', code: 'TOO_MANY_ACTORS' }
    const { actor, seq, startOp, deps, hash } = header
    const count = this.count(actor)
    const { index, room } = placeOf(actor, count)
    const size = index === 0 ? header.ops - 1 : header.ops
    if (size < 1 || size > room) return { status: 'refused', code: 'NOT_AN_APPEND' }
    const clock = past.with(number, seq)
    const pageOp = index === 0 ? startOp : (this.at(actor, seq - 1)?.pageOp ?? 0)
    const change = { hash, actor, seq, startOp, lastOp: lastOp + header.ops, deps, count, size, pageOp, clock }
    return { status: 'next', change }
  }

  /** There is no room for this new actor. */
  #isCrowded(actor: string): boolean {
    return this.#numbers.size >= this.#maxActors || (this.#perAuthor.get(groupOf(actor)) ?? 0) >= MAX_ACTORS_PER_AUTHOR
  }

  /** The causes' clocks joined, wide enough to hold the actor itself, and the highest operation number in them. */
  #pastOf({ actor, deps }: Pick<ChangeHeader, 'actor' | 'deps'>): { number: number; past: number[]; lastOp: number } {
    const number = this.#numbers.get(actor) ?? this.#numbers.size
    const causes = deps.flatMap((dep) => this.#changes.get(dep) ?? [])
    const length = Math.max(number + 1, ...causes.map((cause) => cause.clock.length))
    const past = Array.from({ length }, (_, i) => Math.max(0, ...causes.map((cause) => cause.clock[i] ?? 0)))
    return { number, past, lastOp: Math.max(...causes.map((cause) => cause.lastOp)) } // without causes -Infinity
  }

  /** @param change from {@link place}, with no other one added since */
  add(change: Change): void {
    const known = this.#numbers.get(change.actor)
    const number = known ?? this.#numbers.size
    this.#numbers.set(change.actor, number)
    const group = groupOf(change.actor)
    if (known === undefined) this.#perAuthor.set(group, (this.#perAuthor.get(group) ?? 0) + 1)
    const chain = this.#chains[number] ?? []
    chain.push(change)
    this.#chains[number] = chain
    this.#changes.set(change.hash, change)
    for (const dep of change.deps) this.#heads.delete(dep)
    this.#heads.add(change.hash)
  }

  /** True when `a` is in the causal past of `b`, or is `b`. */
  includes(b: string, a: { readonly actor: string; readonly seq: number }): boolean {
    const number = this.#numbers.get(a.actor)
    return number !== undefined && (this.#changes.get(b)?.clock[number] ?? 0) >= a.seq
  }

  #chainOf(actor: string): readonly Change[] {
    return this.#chains[this.#numbers.get(actor) ?? -1] ?? []
  }
}
