import type { ThreadId } from '@bzzz/protocols'
import type { PartSummary } from './summary.ts'

export interface PartsOptions {
  /** A part counts once it or the one before it holds so many: else a few envelopes would make a thread of a thousand parts. */
  readonly minEntries: number
  readonly entriesOf: (document: ThreadId) => number
}

/** Which documents make one thread: its own, and those that continue it. In memory, for what is on disk. */
export class Parts {
  readonly #options: PartsOptions
  readonly #roots = new Map<ThreadId, ThreadId>()
  /** Later parts by number, of threads that have any. */
  readonly #later = new Map<ThreadId, Map<number, ThreadId>>()

  constructor(options: PartsOptions) {
    this.#options = options
  }

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

  /** Documents of the thread, its own first; a part waits for the one before it, and until one of the two has grown long. */
  of(root: ThreadId): readonly ThreadId[] {
    const documents = [root]
    const later = this.#later.get(root)
    if (later === undefined) return documents
    let before = root
    for (let next = later.get(1); next !== undefined; next = later.get(documents.length)) {
      if (!this.#isLong(before) && !this.#isLong(next)) break
      documents.push(next)
      before = next
    }
    return documents
  }

  #isLong(document: ThreadId): boolean {
    return this.#options.entriesOf(document) >= this.#options.minEntries
  }

  #forget(document: ThreadId): void {
    const later = this.#later.get(this.rootOf(document))
    for (const [part, other] of later ?? []) if (other === document) later?.delete(part)
    this.#roots.delete(document)
  }
}
