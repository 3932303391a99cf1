import { type Entry, type EntryOf, isType, type KnownEntry, type PeerId, type ThreadId } from '@bzzz/protocols'

/** What a review needs of a thread's view: the entries that a node holds, closed under causality. */
export interface ThreadView {
  readonly thread: ThreadId
  /** Hashes of the newest changes. */
  readonly heads: readonly string[]
  /** Somebody put it out of the way, and nothing was written to it since: whatever is still due in it waits. */
  readonly archived: boolean
  /** In causal order. The author's peer signed each of them. */
  readonly entries: readonly ViewedEntry[]
  /** True when `a` is in the causal past of `b`. */
  precedes(a: ViewedEntry, b: ViewedEntry): boolean
}

export interface ViewedEntry<E extends Entry = Entry> {
  readonly entry: E
  /** Whose key signed. */
  readonly peer: PeerId
  readonly actor: string
  /** Written on a laptop that speaks through that peer: never an agent's, whatever its id. */
  readonly laptop: boolean
  readonly seq: number
  readonly index: number
  /** Hash of the change that brought it. */
  readonly change: string
}

export function entriesOf<T extends KnownEntry['type']>(view: ThreadView, type: T): ViewedEntry<EntryOf<T>>[] {
  return view.entries.filter((viewed): viewed is ViewedEntry<EntryOf<T>> => isType(viewed.entry, type))
}
