import type { Entry, EntryOf, PeerId, SeqVector, ThreadId } from '@bzzz/protocols'
import type { Blobs } from './blobs.ts'
import type { RefusalCode } from './facts.ts'
import type { ThreadSummary } from './summary.ts'
import type { ThreadView, ViewedEntry } from './view.ts'

/** All threads of this node. What it has acknowledged or shown is synced to disk. */
export interface Threads {
  /** Resolves once synced; the opening entry is the first of its thread. @throws {ThreadsError} */
  create(open: EntryOf<'open'>): Promise<Appended>
  /**
   * Resolves once synced. Entries that wait while another commit is in flight share one change. The same (own peer, id)
   * again writes nothing.
   * @throws {ThreadsError} THREAD_UNKNOWN, ENTRY_INVALID, ENTRY_TOO_LARGE, BUSY, LOG_DAMAGED, FROZEN or CLOSED
   */
  append(thread: ThreadId, entry: Entry): Promise<Appended>
  /**
   * The one boundary for bytes from elsewhere: bad ones are an outcome, never an exception. Resolves once synced.
   * @throws {ThreadsError} BUSY, LOG_DAMAGED, FROZEN or CLOSED
   */
  receive(envelope: Uint8Array): Promise<Received>
  /** As of the last synced commit; undefined if there is no such thread here. @throws {ThreadsError} */
  view(thread: ThreadId): Promise<ThreadView | undefined>
  /** Every thread on disk, in no particular order, from an index in memory. */
  list(): readonly ThreadSummary[]
  /** Told of each change after it is synced, in order within a thread. @returns how to stop */
  subscribe(listener: (event: ThreadEvent) => void): () => void
  /** Hash of the vector of each thread: two nodes with equal ones have the same changes. */
  digest(): Promise<ReadonlyMap<ThreadId, Uint8Array>>
  /** Highest sequence number by actor, none missing before it; empty if the thread is unknown. */
  vector(thread: ThreadId): Promise<SeqVector>
  /** Everything beyond `have`, straight from the log: ascending seq for each actor, and causes before what follows them. */
  envelopesAfter(thread: ThreadId, have: SeqVector): AsyncIterable<Uint8Array>
  readonly blobs: Blobs
  /** Waits for work in hand, then refuses. Idempotent. The state stays open: it belongs to the caller. */
  close(): Promise<void>
}

export interface Appended {
  readonly thread: ThreadId
  readonly id: string
  /** The entry was there already; nothing was written. */
  readonly repeated: boolean
  readonly heads: string[]
}

export type Received =
  /** held: a cause is missing; kept in memory for a while, else repair brings it again. */
  | { readonly status: 'applied' | 'repeat' | 'held'; readonly thread: ThreadId; readonly author: PeerId }
  | { readonly status: 'refused'; readonly code: RefusalCode; readonly reason: string; readonly author?: PeerId }

/** One change, once it is synced. */
export interface ThreadEvent {
  readonly thread: ThreadId
  /** Made here just now, so still unknown to everybody else. */
  readonly own: boolean
  readonly envelope: Uint8Array
  /** The entries of this change that are shown. */
  readonly entries: readonly ViewedEntry[]
  /** Of the thread, after the commit that this change was part of. */
  readonly heads: string[]
}
