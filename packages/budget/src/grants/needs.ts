import type { NanoUsd, Period } from '@bzzz/protocols'
import { nanoUsdOf } from '../usd.ts'
import type { Need } from './request.ts'
import { type AmountIn, admissibleOf, claimsOf, hopefulOf, type Waiter } from './waiters.ts'

export interface Demand {
  /** Oldest first. */
  readonly waiters: readonly Waiter[]
  /** Left for new holds here. */
  readonly available: AmountIn
  /** What others are known to have. */
  readonly reachable: AmountIn
  /** What is kept for calls to come, in the periods that are running. */
  readonly targets: ReadonlyMap<Period, NanoUsd>
}

export interface Wanted {
  /** Oldest first. */
  readonly hopeful: readonly Waiter[]
  /** The oldest of them that does not fit yet. */
  readonly oldest: Waiter | undefined
  readonly needs: readonly Need[]
}

/** How much to ask for: enough for the oldest that waits at the least, at best for all of them and what comes next. */
export function wantedBy({ waiters, available, reachable, targets }: Demand): Wanted {
  const hopeful = hopefulOf(waiters, (period) => available(period) + reachable(period))
  const fits = new Set(admissibleOf(hopeful, new Set(hopeful), available))
  const oldest = hopeful.find((waiter) => !fits.has(waiter))
  const before = claimsOf(hopeful.slice(0, oldest === undefined ? 0 : hopeful.indexOf(oldest) + 1))
  const all = claimsOf(hopeful)
  const periods = new Set([...hopeful.flatMap(({ claim }) => claim.periods), ...targets.keys()])
  const needs = [...periods].flatMap((period): Need[] => {
    const left = available(period)
    const short = oldest?.claim.periods.includes(period) === true ? before(period) - left : 0n
    const least = nanoUsdOf(short > 0n ? short : 0n)
    const more = all(period) + comfort(targets.get(period), oldest, period, left - all(period)) - left
    const want = nanoUsdOf(more > least ? more : least)
    return want > 0n && reachable(period) > 0n ? [{ period, least, want }] : []
  })
  return { hopeful, oldest, needs }
}

/**
 * For calls to come: up to the target, once a call waits or half of it is gone. A thread has no target; there it is one
 * more call like the one that waits.
 */
function comfort(target: NanoUsd | undefined, oldest: Waiter | undefined, period: Period, free: bigint): bigint {
  if (target !== undefined) return oldest !== undefined || free < target / 2n ? target : 0n
  return oldest?.claim.periods.includes(period) === true ? oldest.claim.max : 0n
}
