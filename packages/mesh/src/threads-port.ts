import type { PeerId, SeqVector, ThreadId } from '@bzzz/protocols'

/** What mesh needs of the threads: their log to repair from, one boundary for what arrives, and blobs to serve. */
export interface ThreadsPort {
  /** Hash of the vector of each thread on disk. */
  digest(): Promise<ReadonlyMap<ThreadId, Uint8Array>>
  /** For each actor the highest sequence number without a gap before it; empty if the thread is unknown. */
  vector(thread: ThreadId): Promise<SeqVector>
  /** What `have` does not cover: ascending seq for each actor, and no change before its causes. */
  envelopesAfter(thread: ThreadId, have: SeqVector): AsyncIterable<Uint8Array>
  /** Verifies and stores. Bad bytes are a value; it rejects only when the store does. May be called concurrently. */
  receive(envelope: Uint8Array): Promise<Received>
  readonly blobs: {
    /** @param hash hexadecimal SHA-256 */
    get(hash: string): Promise<Uint8Array | undefined>
  }
}

export type Received =
  /** `held`: kept aside until its causes come. */
  | { status: 'applied' | 'repeat' | 'held'; thread: ThreadId; author: PeerId }
  | { status: 'refused'; code: string; reason: string; author?: PeerId }
