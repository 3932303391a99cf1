import type { Clockwork } from './clockwork.ts'
import type { Doubles } from './doubles.ts'
import type { Figures } from './figures.ts'
import type { Limits } from './limits.ts'
import type { Network } from './network.ts'
import type { Oracle } from './oracle.ts'
import type { Fate, Order, Plan } from './plan.ts'
import type { Random } from './random.ts'

/** What the nodes of a simulation live in. */
export interface World {
  readonly plan: Plan
  readonly limits: Limits
  readonly clockwork: Clockwork
  readonly network: Network
  readonly random: Random
  readonly oracle: Oracle
  readonly doubles: Doubles
  readonly figures: Figures
  /** Costs of calls that were denied, by true day. */
  readonly unmet: Map<string, bigint>
  trace(line: () => string): void
}

export interface Stop {
  readonly fate: Fate
  readonly amidWrite: boolean
  readonly landed: boolean
  readonly downMs: number
  /** How far ahead the clock is at the next start. */
  readonly clockMs: number
}

/** One machine, with whatever keeps its budget. */
export interface House {
  readonly isUp: boolean
  place(order: Order): void
  /** Stops, and starts again after a while. */
  stop(how: Stop): void
  start(): void
  fillDisk(): void
  backUp(): void
  /** By how much it is ahead from now on. */
  setClock(clockMs: number): void
  /** A link came up. */
  greet(to: number): void
  /** After the run: whether what it kept fits together. */
  verify(): Promise<void>
}
