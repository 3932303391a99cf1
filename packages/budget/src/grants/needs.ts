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
  /** What is kept for calls to come, in the days and months that are running. */
  readonly targets: ReadonlyMap<Period, Target>
}

export interface Target {
  readonly holding: NanoUsd
  /** More than this nobody keeps. */
  readonly most: NanoUsd
}

export interface Wanted {
  /** Oldest first. */
  readonly hopeful: readonly Waiter[]
  /** The oldest of them that does not fit yet. */
  readonly oldest: Waiter | undefined
  readonly needs: readonly Need[]
}

/**
 * How much to ask for: enough for the oldest that waits at the least, at best for all of them and what comes next. For
 * what comes next only while there is plenty everywhere: from a budget that ends, nodes without a call that waits would
 * take the last fragments from one another, and never would they come together where one does.
 */
export function wantedBy({ waiters, available, reachable, targets }: Demand): Wanted {
  const hopeful = hopefulOf(waiters, (period) => available(period) + reachable(period))
  const fits = new Set(admissibleOf(hopeful, new Set(hopeful), available))
  const oldest = hopeful.find((waiter) => !fits.has(waiter))
  const before = claimsOf(hopeful.slice(0, oldest === undefined ? 0 : hopeful.indexOf(oldest) + 1))
  const all = claimsOf(hopeful)
  const isPlenty = [...targets].every(([period, { most }]) => available(period) + reachable(period) >= 2n * most)
  const periods = new Set([...hopeful.flatMap(({ claim }) => claim.periods), ...targets.keys()])
  const needs = [...periods].flatMap((period): Need[] => {
    const left = available(period)
    const claimed = oldest?.claim.periods.includes(period) === true ? oldest.claim.max : 0n
    const least = nanoUsdOf(claimed > 0n && before(period) > left ? before(period) - left : 0n)
    const target = targets.get(period)?.holding ?? claimed
    const isLow = oldest !== undefined || left - all(period) < target / 2n
    const comfort = isPlenty && isLow && left + reachable(period) >= 4n * claimed ? target : 0n
    const aim = all(period) + comfort
    // What an overrun took is made up for with the call that needs it, not for its own sake.
    const more = aim > 0n ? aim - left : 0n
    const want = nanoUsdOf(more > least ? more : least)
    return want > 0n && reachable(period) > 0n ? [{ period, least, want }] : []
  })
  return { hopeful, oldest, needs }
}
