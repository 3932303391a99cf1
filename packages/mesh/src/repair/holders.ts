import type { PeerId, SeqVector, ThreadId } from '@bzzz/protocols'

// Some 100 bytes each: thousands of threads in a mesh of ten nodes.
const MAX_NOTES = 200_000

interface Note {
  readonly has: SeqVector
  readonly weight: number
}

/**
 * What the others are known to have: from digests equal to ours and from the vectors that they ask with. It may lag behind,
 * never ahead; the threads of which nothing new was heard for longest are forgotten first.
 */
export class Holders {
  readonly #maxNotes: number
  /** Least recently noted first. */
  readonly #threads = new Map<ThreadId, ReadonlyMap<PeerId, Note>>()
  #notes = 0

  constructor(maxNotes = MAX_NOTES) {
    this.#maxNotes = maxNotes
  }

  of(thread: ThreadId): ReadonlyMap<PeerId, SeqVector> {
    return new Map([...(this.#threads.get(thread) ?? [])].map(([peer, { has }]) => [peer, has]))
  }

  /** True when this very vector is what was noted last. */
  has(peer: PeerId, thread: ThreadId, vector: SeqVector): boolean {
    return this.#threads.get(thread)?.get(peer)?.has === vector
  }

  /** The peer has exactly what we have; the vector is the one that the threads keep, so it costs nothing more. */
  same(peer: PeerId, thread: ThreadId, ours: SeqVector): void {
    this.#note(peer, thread, ours, 1)
  }

  /** @param theirs all that the peer has; actors that are unknown here are left out, so that a peer cannot fill memory */
  asked(peer: PeerId, thread: ThreadId, theirs: SeqVector, ours: SeqVector): void {
    const known = new Map([...theirs].filter(([actor]) => ours.has(actor)))
    if (known.size > 0) this.#note(peer, thread, known, 1 + known.size)
  }

  /** Takes the place of what the peer was known to have. */
  #note(peer: PeerId, thread: ThreadId, has: SeqVector, weight: number): void {
    const notes = new Map(this.#threads.get(thread)).set(peer, { has, weight })
    this.#forget(thread)
    this.#threads.set(thread, notes)
    this.#notes += weightOf(notes)
    for (const oldest of this.#threads.keys()) {
      if (this.#notes <= this.#maxNotes) break
      this.#forget(oldest)
    }
  }

  #forget(thread: ThreadId): void {
    this.#notes -= weightOf(this.#threads.get(thread))
    this.#threads.delete(thread)
  }
}

function weightOf(notes: ReadonlyMap<PeerId, Note> = new Map()): number {
  return [...notes.values()].reduce((sum, { weight }) => sum + weight, 0)
}
