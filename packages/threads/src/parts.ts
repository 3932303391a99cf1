import type { ThreadId } from '@bzzz/protocols'
import type { PartSummary } from './summary.ts'

/** Which documents make one thread: its own, and those that continue it. In memory, for what is on disk. */
export class Parts {
  readonly #roots = new Map<ThreadId, ThreadId>()
  /** Later parts by number, of threads that have any. */
  readonly #later = new Map<ThreadId, Map<number, ThreadId>>()

  /** What a document says of itself: once it has an entry that continues a thread, and while that stands. */
  note({ thread: document, continues }: Pick<PartSummary, 'thread' | 'continues'>): void {
    if (continues === undefined) {
      this.#forget(document)
      return
    }
    const { of: root, part } = continues
    this.#roots.set(document, root)
    this.#later.set(root, (this.#later.get(root) ?? new Map<number, ThreadId>()).set(part, document))
  }

  /** The thread that the document belongs to: itself, unless it continues another. */
  rootOf(document: ThreadId): ThreadId {
    return this.#roots.get(document) ?? document
  }

  isLater(document: ThreadId): boolean {
    return this.#roots.has(document)
  }

  /** Documents of the thread, its own first; one that is here before the part before it waits for that. */
  of(root: ThreadId): readonly ThreadId[] {
    const documents = [root]
    const later = this.#later.get(root)
    if (later === undefined) return documents
    for (let next = later.get(1); next !== undefined; next = later.get(documents.length)) documents.push(next)
    return documents
  }

  #forget(document: ThreadId): void {
    const later = this.#later.get(this.rootOf(document))
    for (const [part, other] of later ?? []) if (other === document) later?.delete(part)
    this.#roots.delete(document)
  }
}
