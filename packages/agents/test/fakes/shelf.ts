import type { Entry, ThreadId } from '@bzzz/protocols'
import type { ThreadView } from '../../src/review/view.ts'
import type { ThreadsPort } from '../../src/turns/ports.ts'
import { openEntry, World, type WorldNode } from './world.ts'

/** Reviews that one node has to itself, each in a thread of its own. */
export class Shelf implements ThreadsPort {
  readonly #reviews = new Map<ThreadId, WorldNode>()
  readonly #listeners = new Set<(event: { thread: ThreadId }) => void>()
  /** Threads in the order in which they were looked at. */
  readonly looks: ThreadId[] = []
  /** Run before a thread is shown; may throw. */
  before: (thread: ThreadId) => void = () => undefined

  constructor(reviews: number) {
    for (let n = 0; n < reviews; n++) {
      const thread = threadNumber(n)
      const node = new World(1).node(0)
      node.write(openEntry(1, { seatTimeoutMs: 600_000 }))
      node.subscribe(() => this.touch(thread))
      this.#reviews.set(thread, node)
    }
  }

  at(thread: ThreadId): WorldNode {
    const node = this.#reviews.get(thread)
    if (node === undefined) throw new RangeError(`no review ${thread}`)
    return node
  }

  get decided(): number {
    return [...this.#reviews.values()].filter((node) => node.entries('verdict').length > 0).length
  }

  touch(thread: ThreadId): void {
    for (const listener of this.#listeners) listener({ thread })
  }

  append(thread: ThreadId, entry: Entry): Promise<{ repeated: boolean }> {
    return this.at(thread).append(thread, entry)
  }

  async view(thread: ThreadId): Promise<ThreadView> {
    this.looks.push(thread)
    this.before(thread)
    return { ...this.at(thread).read(), thread }
  }

  list() {
    return [...this.#reviews].flatMap(([thread, node]) =>
      node.list().map(({ state, archived }) => ({ thread, state, archived })),
    )
  }

  subscribe(listener: (event: { thread: ThreadId }) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

export function threadNumber(n: number): ThreadId {
  return `019a0000-0000-7000-8000-${String(n).padStart(12, '0')}` as ThreadId
}
