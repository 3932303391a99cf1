import { createHash } from 'node:crypto'
import {
  type AgentId,
  agentIdOf,
  type Entry,
  type EntryOf,
  entry as entryShape,
  type PeerId,
  peerIdFromPublicKey,
  type ReviewTerms,
  type ThreadId,
} from '@bzzz/protocols'
import type { ThreadView, ViewedEntry } from '../../src/review/view.ts'
import type { ThreadsPort } from '../../src/turns/ports.ts'

export const THREAD = '019a0000-0000-7000-8000-000000000001' as ThreadId
export const BLOB = 'b'.repeat(64)

export function peer(n: number): PeerId {
  return peerIdFromPublicKey(new Uint8Array(32).fill(n + 1))
}

interface Change {
  readonly hash: string
  readonly peer: PeerId
  readonly entry: Entry
  /** Hashes of all changes in its causal past. */
  readonly past: ReadonlySet<string>
  /** Position in the world's history: an order that respects causality. */
  readonly number: number
}

/** Nodes that each hold some of one thread's changes, always with their causes; `link` decides who hears what when. */
export class World {
  readonly changes: Change[] = []
  readonly nodes: WorldNode[]
  /** Deliver every change to every node at once. */
  linked: boolean

  constructor(count: number, { linked = true } = {}) {
    this.linked = linked
    this.nodes = Array.from({ length: count }, (_, n) => new WorldNode(this, peer(n)))
  }

  node(n: number): WorldNode {
    const node = this.nodes[n]
    if (node === undefined) throw new RangeError(`no node ${n}`)
    return node
  }

  spread(): void {
    for (const change of this.changes) for (const node of this.nodes) node.take(change)
  }
}

export class WorldNode implements ThreadsPort {
  readonly peer: PeerId
  readonly #world: World
  readonly #known = new Map<string, Change>()
  readonly #listeners = new Set<(event: { thread: ThreadId }) => void>()

  constructor(world: World, peer: PeerId) {
    this.#world = world
    this.peer = peer
  }

  async append(_thread: ThreadId, entry: Entry): Promise<{ repeated: boolean }> {
    return { repeated: !this.write(entry) }
  }

  /** @returns false for an id that this peer has used */
  write(entry: Entry): boolean {
    entryShape.parse(JSON.parse(JSON.stringify(entry)))
    const hash = createHash('sha256').update(`${this.peer}/${entry.id}`).digest('hex')
    if (this.#known.has(hash)) return false
    const number = this.#world.changes.length
    const change = { hash, peer: this.peer, entry, past: new Set(this.#known.keys()), number }
    this.#world.changes.push(change)
    this.take(change)
    if (this.#world.linked) for (const node of this.#world.nodes) node.take(change)
    return true
  }

  /** Takes a change once its causes are there. */
  take(change: Change): void {
    if (this.#known.has(change.hash) || ![...change.past].every((hash) => this.#known.has(hash))) return
    this.#known.set(change.hash, change)
    for (const listener of this.#listeners) listener({ thread: THREAD })
  }

  hear(other: WorldNode, upTo = Number.POSITIVE_INFINITY): void {
    const theirs = [...other.#known.values()].sort((a, b) => a.number - b.number)
    for (const change of theirs.filter(({ hash }) => !this.#known.has(hash)).slice(0, upTo)) this.take(change)
  }

  async view(): Promise<ThreadView> {
    return this.read()
  }

  read(): ThreadView {
    const changes = [...this.#known.values()].sort((a, b) => a.number - b.number)
    const heads = changes.filter(({ hash }) => !changes.some(({ past }) => past.has(hash)))
    return {
      thread: THREAD,
      heads: heads.map(({ hash }) => hash),
      archived: heads.length > 0 && heads.every(({ entry }) => entry.type === 'archive'),
      entries: changes.map(({ entry, peer, hash }) => {
        return { entry, peer, actor: peer, laptop: false, seq: 1, index: 0, change: hash }
      }),
      precedes: (a: ViewedEntry, b: ViewedEntry) => this.#known.get(b.change)?.past.has(a.change) === true,
    }
  }

  list() {
    if (this.#known.size === 0) return []
    const { entries, archived } = this.read()
    const decided = entries.some(({ entry }) => entry.type === 'verdict')
    return [{ thread: THREAD, state: decided ? 'approved' : 'active', archived }]
  }

  subscribe(listener: (event: { thread: ThreadId }) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Its listeners died. */
  deafen(): void {
    this.#listeners.clear()
  }

  entries<T extends EntryOf<'open'>['type'] | Entry['type']>(type: T): Extract<Entry, { type: T }>[] {
    return this.read()
      .entries.map(({ entry }) => entry)
      .filter((entry): entry is Extract<Entry, { type: T }> => entry.type === type)
  }
}

export const ROLES = ['architect', 'reviewer', 'security', 'senior_architect'] as const

export function agentAt(n: number): AgentId {
  return agentIdOf(ROLES[n] ?? 'reviewer', peer(n))
}

export function openEntry(seats: number, terms: Partial<ReviewTerms> = {}): EntryOf<'open'> {
  const change = { blob: BLOB, bytes: 1, repository: 'shop', base: 'a', head: 'b', title: 'a change', files: 1 }
  return {
    type: 'open',
    id: 'open-000',
    author: `system@${peer(0)}`,
    ts: 0,
    content: '',
    topic: 'review',
    project: 'shop',
    review: {
      change,
      seats: Array.from({ length: seats }, (_, n) => ({ role: ROLES[n] ?? 'reviewer', agent: agentAt(n) })),
      rounds: 2,
      seatTimeoutMs: 60_000,
      ...terms,
    },
  }
}
