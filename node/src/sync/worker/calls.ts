import type { MeshId, ThreadId } from '@bzzz/protocols'
import type { Offer, Speaker } from '@bzzz/threads'
import type { ClientFrame } from '../frames.ts'

/** What the replicas' thread is told, and what it answers: one call at a time. */
export interface Calls {
  /** Null: no frame. */
  read(bytes: Uint8Array): ClientFrame | null
  open(thread: ThreadId, envelopes: readonly Uint8Array[], sockets: readonly number[]): void
  drop(thread: ThreadId): void
  /** False: the replica does not fit the log any more, and is to be opened again. */
  learn(thread: ThreadId, envelopes: readonly Uint8Array[]): boolean
  offer(thread: ThreadId, socket: number, message: Uint8Array, speaker: Speaker): Offer
  knows(thread: ThreadId, message: Uint8Array): boolean
  settle(thread: ThreadId, socket: number): Uint8Array | undefined
  join(thread: ThreadId, socket: number): void
  leave(thread: ThreadId, socket: number): void
  /** To one socket, so that it is known whose takes too long. */
  message(thread: ThreadId, to: number): Uint8Array | undefined
  save(thread: ThreadId): Uint8Array
}

export type CallName = keyof Calls

export interface Request {
  readonly name: CallName
  readonly args: readonly unknown[]
}

/** `fault`: what the caller passed on cannot come from an honest client. */
export type Answer =
  | { readonly status: 'done'; readonly value: unknown }
  | { readonly status: 'fault' | 'failed'; readonly reason: string }

export interface WorkerSettings {
  readonly mesh: MeshId
}
