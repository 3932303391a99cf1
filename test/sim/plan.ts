import type { COINS } from './people.ts'

/** All that will happen from outside: drawn before the run, so that a mutant meets the very faults of the shipped rules. */
export interface Plan {
  readonly startMs: number
  readonly endMs: number
  readonly clockSkewMs: number
  readonly limits: { readonly day: bigint; readonly month: bigint; readonly agentDay: bigint; readonly thread: bigint }
  /** By how much each node's clock is ahead at first, milliseconds. */
  readonly clocks: readonly number[]
  readonly orders: readonly Order[]
  readonly faults: readonly Fault[]
  readonly changes: readonly Change[]
  /** What is signed is told each minute, as in the shipped node; else every few hours, which is less to do. */
  readonly tellsOften: boolean
  /** The last node is no founder: it joins by a change. */
  readonly joins: boolean
}

/** What the owner of the mesh wants, or the operator tells him. */
export type Change =
  /** To this part of the limit at first, in thousandths. */
  | { readonly kind: 'limit'; readonly atMs: number; readonly dim: 'day' | 'month'; readonly thousandths: number }
  | { readonly kind: 'join'; readonly atMs: number }
  /** Its disk is lost with it. */
  | { readonly kind: 'remove'; readonly atMs: number; readonly node: number }

/** A call that somebody wants made. */
export interface Order {
  readonly number: number
  readonly atMs: number
  readonly node: number
  readonly agent: string
  /** In the thread with a cap of its own. */
  readonly capped: boolean
  readonly maxCents: number
  /** Above the highest cost, when the provider does not keep to its bound. */
  readonly actualCents: number
  readonly model: (typeof COINS)[number]
  readonly durationMs: number
  /** How long the process hesitates between holding and sending; null: both in one write. */
  readonly stallMs: number | null
  /** lost: no answer ever comes. late: it comes hours after it was given up. unclear: it comes without usage. */
  readonly ending: 'answered' | 'unclear' | 'lost' | 'late'
  /** How long the caller waits for rights. */
  readonly patienceMs: number
}

/** What is left of a disk after the process stopped. */
export type Fate = 'kept' | 'lost' | 'rolled-back'

export type Fault =
  | { readonly kind: 'cut'; readonly atMs: number; readonly untilMs: number; readonly pairs: ReadonlySet<string> }
  | {
      readonly kind: 'stop'
      readonly atMs: number
      readonly downMs: number
      readonly node: number
      readonly fate: Fate
      /** In the middle of the next write, instead of at once. */
      readonly amidWrite: boolean
      /** Whether the write in hand still reaches the disk. */
      readonly landed: boolean
      /** The clock at the next start. */
      readonly clockMs: number
    }
  | { readonly kind: 'full-disk' | 'backup'; readonly atMs: number; readonly node: number }
  /** Its disk is copied, mark and all, and runs on another machine from then on. */
  | {
      readonly kind: 'twin'
      readonly atMs: number
      readonly node: number
      readonly clockMs: number
      /** Nobody can reach the copy before. */
      readonly meetsMs: number
    }
  /** What is on its disks, mark and all, is put back later. */
  | {
      readonly kind: 'put-back'
      readonly atMs: number
      readonly node: number
      readonly backMs: number
      readonly downMs: number
    }
  /** Somebody or something sets the clock of a node. */
  | { readonly kind: 'clock'; readonly atMs: number; readonly node: number; readonly clockMs: number }

export function pairOf(from: number, to: number): string {
  return `${from}>${to}`
}
