import type { NanoUsd, Period } from '@bzzz/protocols'
import { NO_USD, nanoUsdOf } from '../usd.ts'
import { NO_TRANSFERS, type Transfers } from './transfers.ts'

/** One account's money in one period. All but the first three, and the transfers, are sums that only grow. */
export interface Balance {
  readonly period: Period
  /** Rights with which it was opened. */
  readonly initial: NanoUsd
  /** Of the manifest that gave them. */
  readonly manifestVersion: number
  /** Rights that a manifest gave besides. */
  readonly minted: NanoUsd
  /** Rights given to other accounts. */
  readonly granted: NanoUsd
  /** Rights received from other accounts. */
  readonly received: NanoUsd
  /** Sum of every hold ever made. */
  readonly reserved: NanoUsd
  /** Sum of what settlements and releases gave back of the holds. */
  readonly released: NanoUsd
  /** Sum of what was billed above holds. */
  readonly overrun: NanoUsd
  /** Sum of what settled calls cost. */
  readonly spent: NanoUsd
  /** What the rights moved by. */
  readonly transfers: Transfers
}

const NOTHING_MOVED = { minted: NO_USD, granted: NO_USD, received: NO_USD, transfers: NO_TRANSFERS }
const NOTHING_CHARGED = { reserved: NO_USD, released: NO_USD, overrun: NO_USD, spent: NO_USD }

export function openBalance(period: Period, initial: NanoUsd, manifestVersion: number): Balance {
  return { period, initial, manifestVersion, ...NOTHING_MOVED, ...NOTHING_CHARGED }
}

/** What the account may charge in all: what it opened the period with, and what came and went since. */
export function rights({ initial, minted, received, granted }: Balance): NanoUsd {
  return nanoUsdOf(initial + minted + received - granted)
}

/** What counts against the rights: settled costs, and the whole hold of everything that is not settled. */
export function charged({ reserved, released, overrun }: Balance): NanoUsd {
  return nanoUsdOf(reserved - released + overrun)
}

/** Rights that nothing is charged to; after an overrun, nothing. */
export function unspent(balance: Balance): NanoUsd {
  const left = rights(balance) - charged(balance)
  return left > 0n ? nanoUsdOf(left) : NO_USD
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
