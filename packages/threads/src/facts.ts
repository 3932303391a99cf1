import type { PeerId, ProtocolErrorCode, ThreadId } from '@bzzz/protocols'
import type { HiddenReason } from './entry-text.ts'

/** Why a change from elsewhere was not taken. */
export type RefusalCode = ProtocolErrorCode | keyof typeof refusals

export const refusals = {
  EQUIVOCATION: 'another change stands at this number of its actor, and its author did so too often in this thread',
  BAD_SEQUENCE: 'its sequence and operation numbers do not follow from what it depends on',
  NOT_AN_APPEND: "it does anything but append entries to its own actor's page",
  CRDT_REFUSED: 'the CRDT failed on it',
  TOO_MANY_ACTORS: 'its author, or all together, have as many actors in the thread as it can take',
  TOO_MANY_THREADS: 'this node has as many threads as it keeps',
}

/** What happened, after it happened: for counters and logs. */
export type ThreadFact =
  /** Synced. `tookMs` from the first look at the changes to the sync, by the wall clock. */
  | {
      readonly type: 'committed'
      readonly thread: ThreadId
      readonly own: number
      readonly received: number
      readonly entries: number
      readonly bytes: number
      readonly tookMs: number
    }
  | { readonly type: 'hidden'; readonly thread: ThreadId; readonly reason: HiddenReason }
  | {
      readonly type: 'refused'
      readonly code: RefusalCode
      readonly reason: string
      readonly thread?: ThreadId
      readonly author?: PeerId
      readonly cause?: unknown
    }
  /**
   * The author signed two different changes as number `seq` of this actor, which ends there. Synced: so many changes are
   * out of the log, and so many own entries among theirs were appended again.
   */
  | {
      readonly type: 'cut'
      readonly thread: ThreadId
      readonly author: PeerId
      readonly actor: string
      readonly seq: number
      readonly lost: number
      readonly again: number
    }
  /** In the buffer because a cause is missing; `dropped` older ones had to go for it. */
  | {
      readonly type: 'held'
      readonly thread: ThreadId
      readonly author: PeerId
      readonly buffered: number
      readonly dropped: number
    }
  | { readonly type: 'loaded'; readonly thread: ThreadId; readonly changes: number }
  /** `spoilt`: thrown away after a refused change or a failed commit, to be built again from the log. */
  | {
      readonly type: 'unloaded'
      readonly thread: ThreadId
      readonly why: 'least used' | 'archived' | 'spoilt' | 'closed'
    }
  /** The CRDT failed on several changes at once: the document is built again, and they are tried one by one. */
  | { readonly type: 'retried'; readonly thread: ThreadId; readonly cause: unknown }
  /** A run of an archived thread's changes: `storedBytes` is what its `bytes` take now. */
  | {
      readonly type: 'compressed'
      readonly thread: ThreadId
      readonly changes: number
      readonly bytes: number
      readonly storedBytes: number
    }
  /** The log stays readable, and larger than it need be, until the thread is archived again or the store opened again. */
  | { readonly type: 'compressing-failed'; readonly thread: ThreadId; readonly error: unknown }
  /** In the cache now, `bytes` for so many changes. */
  | {
      readonly type: 'snapshot-made'
      readonly thread: ThreadId
      readonly changes: number
      readonly bytes: number
      readonly tookMs: number
    }
  /** The thread has none until more is written to it: one with changes that Automerge would write otherwise cannot have one. */
  | { readonly type: 'snapshot-failed'; readonly thread: ThreadId; readonly error: unknown }
  /** All of it is synced; it was shown as pending `pendingMs` after it had come. */
  | {
      readonly type: 'snapshot-joined'
      readonly thread: ThreadId
      readonly changes: number
      readonly pendingMs: number
      readonly tookMs: number
    }
  /** Dropped whole: whoever offered it is at fault. */
  | { readonly type: 'snapshot-refused'; readonly thread: ThreadId; readonly reason: string }
  | { readonly type: 'frozen'; readonly cause: unknown }
  | { readonly type: 'listener-failed'; readonly error: unknown }
