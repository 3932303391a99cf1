import type { MeshId, PeerId, ThreadId } from '@bzzz/protocols'
import type { Arrival } from '../arrival.ts'
import type { ThreadSummary } from '../summary.ts'
import type { ViewedEntry } from '../view.ts'

interface Part {
  readonly from: number
  readonly to: number
}

/** What the worker is asked, one question at a time. The last three are about the snapshot that was opened last. */
export type Question =
  | {
      readonly q: 'make'
      readonly mesh: MeshId
      readonly thread: ThreadId
      /** All envelopes of it, one after the other, and how long each is. */
      readonly log: Uint8Array
      readonly lengths: readonly number[]
    }
  | { readonly q: 'open'; readonly mesh: MeshId; readonly thread: ThreadId; readonly bytes: Uint8Array }
  | (Part & { readonly q: 'entries' | 'verify' | 'changes' })

export type Answer =
  | { readonly a: 'made'; readonly bytes: Uint8Array }
  | {
      readonly a: 'opened'
      readonly changes: number
      readonly authors: readonly PeerId[]
      readonly summary: ThreadSummary
    }
  | { readonly a: 'entries'; readonly entries: readonly ViewedEntry[] }
  | { readonly a: 'verified' }
  /** Their signatures hold only if 'verify' has said so of the same part. */
  | { readonly a: 'changes'; readonly changes: readonly Arrival[] }
  | { readonly a: 'failed'; readonly reason: string }

export interface Answers {
  make: 'made'
  open: 'opened'
  entries: 'entries'
  verify: 'verified'
  changes: 'changes'
}
