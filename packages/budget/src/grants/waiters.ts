import type { CallId, Period } from '@bzzz/protocols'
import type { Claim } from '../calls/admission.ts'

/** A call that waits for rights. */
export interface Waiter {
  readonly call: CallId
  /** Wall clock; the oldest goes first, here and at other nodes. */
  readonly sinceMs: number
  readonly claim: Claim
}

export type AmountIn = (period: Period) => bigint

/** For one look at many waiters, which ask for the same few periods. */
export function lookedUpOnce(amountIn: AmountIn): AmountIn {
  const known = new Map<Period, bigint>()
  return (period) => {
    const amount = known.get(period) ?? amountIn(period)
    known.set(period, amount)
    return amount
  }
}

/**
 * Those that may still be helped: oldest first, each whose claim fits into what can be reached together with those
 * before it. The others neither ask nor hold anything free, so that a call that is too large never blocks small ones.
 */
export function hopefulOf(waiters: readonly Waiter[], reachable: AmountIn): Waiter[] {
  return fitting(waiters, reachable, () => false)
}

/** Those that fit into what is there, each after all hopeful ones before it. */
export function admissibleOf(waiters: readonly Waiter[], hopeful: ReadonlySet<Waiter>, available: AmountIn): Waiter[] {
  return fitting(waiters, available, (waiter) => hopeful.has(waiter))
}

/** @param keepsItsPlace whether one that does not fit leaves its claim free for itself all the same */
function fitting(waiters: readonly Waiter[], room: AmountIn, keepsItsPlace: (waiter: Waiter) => boolean): Waiter[] {
  const taken = new Map<Period, bigint>()
  return waiters.filter((waiter) => {
    const { max, periods } = waiter.claim
    const fits = periods.every((period) => (taken.get(period) ?? 0n) + max <= room(period))
    if (fits || keepsItsPlace(waiter)) for (const period of periods) taken.set(period, (taken.get(period) ?? 0n) + max)
    return fits
  })
}

/** What some of them claim together. */
export function claimsOf(waiters: readonly Waiter[]): AmountIn {
  const sums = new Map<Period, bigint>()
  for (const { claim } of waiters) {
    for (const period of claim.periods) sums.set(period, (sums.get(period) ?? 0n) + claim.max)
  }
  return (period) => sums.get(period) ?? 0n
}

/** Where somebody stands in the one queue of the mesh. Both sides of a request compare the same two numbers. */
export interface Place {
  readonly sinceMs: number
  /** Settles a tie: an account. */
  readonly name: string
}

export function isOlder(one: Place, other: Place): boolean {
  return one.sinceMs === other.sinceMs ? one.name < other.name : one.sinceMs < other.sinceMs
}
