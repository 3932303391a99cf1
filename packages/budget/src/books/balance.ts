import type { NanoUsd, Period } from '@bzzz/protocols'
import { NO_USD, nanoUsdOf } from '../usd.ts'

/** One account's money in one period. The three counters of the slot, and `spent`, only grow. */
export interface Balance {
  readonly period: Period
  /** Rights with which it was opened. */
  readonly initial: NanoUsd
  /** Of the manifest that gave them. */
  readonly manifestVersion: number
  /** Sum of every hold ever made. */
  readonly reserved: NanoUsd
  /** Sum of what settlements and releases gave back of the holds. */
  readonly released: NanoUsd
  /** Sum of what was billed above holds. */
  readonly overrun: NanoUsd
  /** Sum of what settled calls cost. */
  readonly spent: NanoUsd
}

export function openBalance(period: Period, initial: NanoUsd, manifestVersion: number): Balance {
  return { period, initial, manifestVersion, reserved: NO_USD, released: NO_USD, overrun: NO_USD, spent: NO_USD }
}

/** What counts against the rights: settled costs, and the whole hold of everything that is not settled. */
export function charged({ reserved, released, overrun }: Balance): NanoUsd {
  return nanoUsdOf(reserved - released + overrun)
}

/** Holds of calls that are not settled: waiting, under way, or uncertain. */
export function held(balance: Balance): NanoUsd {
  return nanoUsdOf(charged(balance) - balance.spent)
}

export function hold(balance: Balance, max: NanoUsd): Balance {
  return { ...balance, reserved: nanoUsdOf(balance.reserved + max) }
}

export function refund(balance: Balance, max: NanoUsd): Balance {
  return { ...balance, released: nanoUsdOf(balance.released + max) }
}

export function settle(balance: Balance, max: NanoUsd, actual: NanoUsd): Balance {
  const spent = nanoUsdOf(balance.spent + actual)
  return actual > max
    ? { ...balance, spent, overrun: nanoUsdOf(balance.overrun + actual - max) }
    : { ...balance, spent, released: nanoUsdOf(balance.released + max - actual) }
}
