import type { ThreadId } from '@bzzz/protocols'
import type { Catalog } from './catalog.ts'
import type { Part } from './port.ts'
import { type PartSummary, type ThreadSummary, wholeSummary } from './summary.ts'

/** What the index says of whole threads: each with all of its parts. */
export class Listing {
  readonly #catalog: Catalog

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  all(): ThreadSummary[] {
    const { parts } = this.#catalog
    return this.#catalog.list().flatMap((first) => (parts.isLater(first.thread) ? [] : this.#whole(first)))
  }

  of(thread: ThreadId): ThreadSummary | undefined {
    const first = this.#catalog.summary(thread)
    return first === undefined ? undefined : this.#whole(first)
  }

  parts(thread: ThreadId): Part[] {
    const first = this.#catalog.summary(thread)
    if (first === undefined) return []
    return [first, ...this.#later(thread)].map(({ thread: document, entries }) => ({ document, entries }))
  }

  #whole(first: PartSummary): ThreadSummary {
    return wholeSummary(first, this.#later(first.thread))
  }

  #later(thread: ThreadId): PartSummary[] {
    const [, ...later] = this.#catalog.parts.of(thread)
    return later.flatMap((document) => this.#catalog.summary(document) ?? [])
  }
}
