import { equalBytes, type ThreadId } from '@bzzz/protocols'
import type { ThreadView } from './view.ts'

interface Kept {
  readonly digest: Uint8Array
  readonly view: ThreadView
}

// Entries that are kept read though their document is not loaded any more: about a kilobyte and a half each.
const MAX_KEPT_ENTRIES = 50_000

/** Views of the parts of long threads that are no longer the newest, so that they are read once and not at each look. */
export class KeptViews {
  /** Least recently used first. */
  readonly #kept = new Map<ThreadId, Kept>()
  #entries = 0

  /** @param digest of the document's vector as it is now */
  get(document: ThreadId, digest: Uint8Array | undefined): ThreadView | undefined {
    const kept = this.#kept.get(document)
    if (kept === undefined || digest === undefined || !equalBytes(kept.digest, digest)) return undefined
    this.#kept.delete(document)
    this.#kept.set(document, kept)
    return kept.view
  }

  put(document: ThreadId, kept: Kept): void {
    this.#forget(document)
    this.#kept.set(document, kept)
    this.#entries += kept.view.entries.length
    for (const oldest of this.#kept.keys()) {
      if (this.#entries <= MAX_KEPT_ENTRIES || oldest === document) return
      this.#forget(oldest)
    }
  }

  #forget(document: ThreadId): void {
    this.#entries -= this.#kept.get(document)?.view.entries.length ?? 0
    this.#kept.delete(document)
  }
}
