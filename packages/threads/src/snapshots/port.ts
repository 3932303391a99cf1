import type { ThreadId } from '@bzzz/protocols'
import type { ThreadSummary } from '../summary.ts'
import type { ViewedEntry } from '../view.ts'

/** Copies of threads in little room, for nodes that have nothing of them yet. A cache: never read as the truth. */
export interface Snapshots {
  /** Of those threads of which there is one; of others that are worth it one is made when they are idle. */
  offers(threads: readonly ThreadId[]): readonly SnapshotOffer[]
  /** @param hash hexadecimal SHA-256 */
  get(hash: string): Promise<Uint8Array | undefined>
  /**
   * Fetches a snapshot of a thread, shows it as pending, checks every signature, then stores its changes as if they had
   * come one by one. Nothing of it is stored before all of it was found right. One at a time.
   * @param fetch brings its bytes; undefined if they do not come
   * @throws what `fetch` throws, or {ThreadsError} when the store does not take it
   */
  join(thread: ThreadId, fetch: () => Promise<Uint8Array | undefined>): Promise<Joined>
}

export interface SnapshotOffer {
  readonly thread: ThreadId
  readonly hash: string
  /** Signed changes in it. */
  readonly changes: number
}

export type Joined =
  /** Synced, every change of it. */
  | { readonly status: 'joined'; readonly changes: number }
  /** It does not hold: whoever made it is at fault. */
  | { readonly status: 'refused'; readonly reason: string }
  /** It did not come to anything, by nobody's fault. */
  | { readonly status: 'failed'; readonly reason: string }

/** A thread whose signatures are still being checked: to be shown as such, and for nobody to act upon. */
export interface ThreadPreview {
  readonly thread: ThreadId
  /** These, too, as they will stand if all is right. */
  readonly summary: ThreadSummary
  readonly entries: readonly ViewedEntry[]
}
