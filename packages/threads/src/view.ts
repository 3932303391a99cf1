import type { Entry, PeerId, ThreadId } from '@bzzz/protocols'

/** An entry as it is shown, with the proof of where it came from. */
export interface ViewedEntry {
  readonly entry: Entry
  /** Whose key signed it. */
  readonly peer: PeerId
  /** The signing key and the opening of the store that wrote it, hexadecimal. */
  readonly actor: string
  /** Written on a laptop that speaks through this peer, which vouches for the person. */
  readonly laptop: boolean
  readonly seq: number
  /** Position within its change, from 0. */
  readonly index: number
  /** Hash of its change, hexadecimal. */
  readonly change: string
  /** In which it stands: the thread's own, or that of a later part of a long thread; its log and its holders are that document's. */
  readonly document: ThreadId
}

/** A thread as it stood when it was asked for; later appends do not alter it. */
export interface ThreadView {
  readonly thread: ThreadId
  /** Hashes of the changes that no other follows, ascending. */
  readonly heads: string[]
  /** As {@link ThreadSummary.archived}. */
  readonly archived: boolean
  /**
   * Each after its causes; entries that do not know of each other stand by time (never before a cause's), then by id.
   * The same on every node that has the same changes. Of a long thread part by part.
   */
  readonly entries: readonly ViewedEntry[]
  /** True when a's change is in the causal past of b's, or they share one and a comes first. */
  precedes(a: ViewedEntry, b: ViewedEntry): boolean
}

/**
 * Two entries with one name are the same entry, said twice. A laptop's ids are its own: the ids of a node's turns can be
 * foretold, and nobody may take them.
 */
export function nameOf({ laptop, actor, peer, entry }: ViewedEntry): string {
  return `${laptop ? actor : peer}/${entry.id}`
}

/** Of an entry that a node itself writes. */
export function nodeName(peer: PeerId, id: string): string {
  return `${peer}/${id}`
}
