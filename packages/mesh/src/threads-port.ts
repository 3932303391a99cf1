import type { PeerId, SeqVector, ThreadId } from '@bzzz/protocols'

/**
 * What mesh needs of the threads: their log to repair from, one boundary for what arrives, and blobs to serve. A long thread
 * has further documents, its parts, each with a log of its own; repair takes them as threads by themselves.
 */
export interface ThreadsPort {
  /** Undefined if the thread is not here; the project is empty until the opening entry has come. Of a part: of its thread. */
  summary(thread: ThreadId): { readonly project: string } | undefined
  /** The thread that a document is a part of; the document itself when it is none, or not known here as one. */
  rootOf(document: ThreadId): ThreadId
  /** Hash of the vector of each document on disk. */
  digest(): Promise<ReadonlyMap<ThreadId, Uint8Array>>
  /** The latest change of each actor, none missing before it; empty if the thread is unknown. */
  vector(thread: ThreadId): Promise<SeqVector>
  /** What `have` does not cover, or has otherwise: ascending seq for each actor, and no change before its causes. */
  envelopesAfter(thread: ThreadId, have: SeqVector): AsyncIterable<Uint8Array>
  /** Verifies and stores. Bad bytes are a value; it rejects only when the store does. May be called concurrently. */
  receive(envelope: Uint8Array): Promise<Received>
  readonly snapshots: {
    /** Of those threads of which there is one. */
    offers(threads: readonly ThreadId[]): readonly SnapshotOffer[]
    /** @param hash hexadecimal SHA-256 */
    get(hash: string): Promise<Uint8Array | undefined>
    /** Verifies and stores all of it, or nothing. It rejects only when the store or `fetch` does. */
    join(thread: ThreadId, fetch: () => Promise<Uint8Array | undefined>): Promise<Joined>
  }
  readonly blobs: {
    /** @param hash hexadecimal SHA-256 */
    get(hash: string): Promise<Uint8Array | undefined>
  }
}

export interface SnapshotOffer {
  readonly thread: ThreadId
  readonly hash: string
  /** Signed changes in it. */
  readonly changes: number
}

export type Joined =
  | { readonly status: 'joined'; readonly changes: number }
  /** `refused`: whoever made it is at fault. `failed`: nobody is, and nothing was stored that was not verified. */
  | { readonly status: 'refused' | 'failed'; readonly reason: string }

export type Received =
  /** `held`: kept aside until its causes come. `lost`: beaten by another change of its author, or after one that is. */
  | { status: 'applied' | 'repeat' | 'held' | 'lost'; thread: ThreadId; author: PeerId }
  | { status: 'refused'; code: string; reason: string; author?: PeerId }
