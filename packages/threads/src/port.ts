import type { Entry, EntryOf, PeerId, SeqVector, ThreadId } from '@bzzz/protocols'
import type { Blobs } from './blobs.ts'
import type { RefusalCode } from './facts.ts'
import type { Snapshots, ThreadPreview } from './snapshots/port.ts'
import type { ThreadSummary } from './summary.ts'
import type { ThreadView, ViewedEntry } from './view.ts'

/** All threads of this node. What it has acknowledged or shown is synced to disk. */
export interface Threads {
  /** Resolves once synced; the opening entry is the first of its thread. @throws {ThreadsError} */
  create(open: EntryOf<'open'>): Promise<Appended>
  /**
   * Resolves once synced. Entries that wait while another commit is in flight share one change. The same (own peer, id)
   * again writes nothing. A thread that has grown long goes on in its newest part, or in a new one; its id stays.
   * @throws {ThreadsError} THREAD_UNKNOWN, ENTRY_INVALID, ENTRY_TOO_LARGE, BUSY, LOG_DAMAGED, FROZEN or CLOSED
   */
  append(thread: ThreadId, entry: Entry): Promise<Appended>
  /**
   * The one boundary for bytes from elsewhere: bad ones are an outcome, never an exception. Resolves once synced.
   * @throws {ThreadsError} BUSY, LOG_DAMAGED, FROZEN or CLOSED
   */
  receive(envelope: Uint8Array): Promise<Received>
  /** What is shown of a thread while the signatures of its snapshot are being checked; {@link view} knows nothing of it. */
  preview(thread: ThreadId): ThreadPreview | undefined
  /** Told when there is one. @returns how to stop */
  onPreview(listener: (preview: ThreadPreview) => void): () => void
  /**
   * As of the last synced commit; undefined if there is no such thread here, or no such part. Of a long thread all parts have to be read, each once
   * while there is room for them, or the one that is asked for, with the heads of that one. @throws {ThreadsError}
   */
  view(thread: ThreadId, part?: number): Promise<ThreadView | undefined>
  /** Every thread on disk with all of its parts, in no particular order, from an index in memory. */
  list(): readonly ThreadSummary[]
  /** Of one thread, from that index; undefined if it is not here. */
  summary(thread: ThreadId): ThreadSummary | undefined
  /** The documents of one thread in order, its own first, each with how much it has; those that can be told apart from the outside. */
  parts(thread: ThreadId): readonly Part[]
  /** The thread that a document belongs to: itself, unless it is known here to continue another. All of the above take either. */
  rootOf(document: ThreadId): ThreadId
  /** Told of each change after it is synced, in order within a thread. @returns how to stop */
  subscribe(listener: (event: ThreadEvent) => void): () => void
  /**
   * Hash of the vector of each document, threads and their later parts: two nodes with equal ones have the same changes. Here and in what follows
   * each document is by itself, as if there were no others.
   */
  digest(): Promise<ReadonlyMap<ThreadId, Uint8Array>>
  /** The latest change of each actor, none missing before it; empty if the thread is unknown. */
  vector(thread: ThreadId): Promise<SeqVector>
  /**
   * Everything beyond `have`, straight from the log: ascending seq for each actor, and causes before what follows them. First
   * the proofs that actors end before where `have` has them; of an actor that has another change there, all that is here.
   */
  envelopesAfter(thread: ThreadId, have: SeqVector): AsyncIterable<Uint8Array>
  /**
   * Resolves once the log of an archived thread takes as little room on this disk as it can, at once for any other thread.
   * The store does it by itself, too, when a thread is archived; what fails is told as a fact.
   */
  compress(thread: ThreadId): Promise<void>
  readonly blobs: Blobs
  readonly snapshots: Snapshots
  /** Waits for work in hand, then refuses. Idempotent. The state stays open: it belongs to the caller. */
  close(): Promise<void>
}

/** Of a thread: most have one. */
export interface Part {
  readonly document: ThreadId
  readonly entries: number
}

export interface Appended {
  readonly thread: ThreadId
  readonly id: string
  /** The entry was there already; nothing was written. */
  readonly repeated: boolean
  /** Of the part in which it stands. */
  readonly heads: string[]
}

export type Received =
  /**
   * held: a cause is missing; kept in memory for a while, else repair brings it again. lost: it, or what it follows, is
   * beyond the end of an actor that signed two changes with one number, or in quarantine for another reason.
   */
  | { readonly status: 'applied' | 'repeat' | 'held' | 'lost'; readonly thread: ThreadId; readonly author: PeerId }
  | { readonly status: 'refused'; readonly code: RefusalCode; readonly reason: string; readonly author?: PeerId }

/** One change of a thread, once it is synced. */
export interface ThreadEvent extends DocumentEvent {
  /** Where it stands: the thread's own document, or that of a later part. */
  readonly document: ThreadId
}

/** One change of a document. */
export interface DocumentEvent {
  readonly thread: ThreadId
  /** Made here just now, so still unknown to everybody else. */
  readonly own: boolean
  readonly envelope: Uint8Array
  /** The entries of this change that are shown. */
  readonly entries: readonly ViewedEntry[]
  /**
   * Entries that were shown and are not any more: this change shows that the actor of theirs, or of what they follow, ends
   * before them. Own ones among them come again in the events that follow.
   */
  readonly lost: readonly ViewedEntry[]
  /** Of the document, after the commit that this change was part of. */
  readonly heads: string[]
}
