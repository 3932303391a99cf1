import type { NanoUsd } from '@bzzz/protocols'
import { nanoUsdOf } from '../usd.ts'
import type { Need } from './request.ts'

/** How much moves. Money that was decided about is whole; rates are only guesses about the future, and floating. */

/** How long a spending is remembered, and how far ahead a node provides for. */
const HORIZON_MS = 10 * 60_000

/** How fast an account spends, as an average that forgets. */
export interface Rate {
  readonly perMs: number
  readonly atMs: number
}

export function rateAfter(rate: Rate, amount: bigint, nowMs: number): Rate {
  return { perMs: rateAt(rate, nowMs) + Number(amount) / HORIZON_MS, atMs: Math.max(nowMs, rate.atMs) }
}

/** Nano-dollars per millisecond. */
export function rateAt({ perMs, atMs }: Rate, nowMs: number): number {
  return perMs * Math.exp(-Math.max(0, nowMs - atMs) / HORIZON_MS)
}

/** More than this no account keeps for calls that have not come yet: limit / (2 √N). */
export function mostToKeep(limit: bigint, nodes: number): NanoUsd {
  return wholeOf(Number(limit) / (2 * Math.sqrt(Math.max(1, nodes))))
}

/** What an account likes to hold of a period for what comes next. */
export function targetHolding(perMs: number, most: NanoUsd): NanoUsd {
  const ahead = wholeOf(perMs * HORIZON_MS)
  return ahead < most ? ahead : most
}

export interface Donor {
  /** Rights of the donor that nothing is charged to. */
  readonly unspent: bigint
  /** What its own calls wait for that are older than the asker's. */
  readonly keptForOlder: bigint
  /** What all of its own calls wait for. */
  readonly keptForAll: bigint
  /** Nano-dollars per millisecond. */
  readonly ownRate: number
  readonly askersRate: number
  /** See {@link mostToKeep}. */
  readonly most: NanoUsd
}

/**
 * The asker's oldest call gets what it lacks unless an older one waits here; for the rest of its wish, what is not waited
 * for here is shared by how fast both spend. A part is given too: so the last fragments are gathered at the oldest.
 */
export function amountToGive({ least, want }: Pick<Need, 'least' | 'want'>, donor: Donor): NanoUsd {
  const { unspent, keptForOlder, keptForAll, ownRate, askersRate, most } = donor
  const needed = smaller(least, aboveZero(unspent - keptForOlder))
  const free = aboveZero(unspent - keptForAll)
  const wish = smaller(want, least + most)
  const fair = smaller(wish, (free * thousandths(askersRate, ownRate)) / 1000n)
  return nanoUsdOf(needed > fair ? needed : fair)
}

/** The asker's part of both rates; a half when neither spends. */
function thousandths(askers: number, own: number): bigint {
  const sum = askers + own
  const part = sum > 0 && Number.isFinite(sum) ? askers / sum : 0.5
  return BigInt(Math.round(Math.min(1, Math.max(0, part)) * 1000))
}

// What a bigint of money may hold; a guess beyond it is no better for being larger.
const MOST = 2 ** 62

function wholeOf(amount: number): NanoUsd {
  return nanoUsdOf(Number.isFinite(amount) ? BigInt(Math.floor(Math.min(MOST, Math.max(0, amount)))) : 0n)
}

function aboveZero(amount: bigint): bigint {
  return amount > 0n ? amount : 0n
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
