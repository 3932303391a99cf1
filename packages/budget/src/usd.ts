import type { NanoUsd } from '@bzzz/protocols'
import { BudgetError, invariant } from './errors.ts'

const NANO_PER_USD = 1_000_000_000n
const DECIMALS = 9
/** What a CBOR amount may hold (protocols, nanoUsd). */
export const MAX_NANO_USD = 2n ** 63n - 1n

/** Nothing. */
export const NO_USD = 0n as NanoUsd

/** Whole nano-dollars from arithmetic. @throws {BudgetError} INVARIANT_BROKEN below zero or beyond what a record holds */
export function nanoUsdOf(value: bigint): NanoUsd {
  // The words are made for those that need them: this is asked thousands of times a second.
  if (value < 0n || value > MAX_NANO_USD) invariant(4, false, `${value} nano-dollars is not an amount`)
  return value as NanoUsd
}

/**
 * Dollars as people write them: `2`, `2.00`, `$0.000000001`. Exact; never through floating point.
 * @throws {BudgetError} BAD_AMOUNT for anything else: signs, exponents, separators, more than nine decimals
 */
export function parseUsd(text: string): NanoUsd {
  const [, whole, fraction = ''] = /^\$?(\d{1,10})(?:\.(\d{1,9}))?$/.exec(text.trim()) ?? []
  if (whole === undefined) {
    throw new BudgetError('BAD_AMOUNT', `"${text.slice(0, 40)}" is not an amount of dollars; write it like 2.00`)
  }
  const value = BigInt(whole) * NANO_PER_USD + BigInt(fraction.padEnd(DECIMALS, '0'))
  if (value > MAX_NANO_USD) throw new BudgetError('BAD_AMOUNT', `$${whole} is more than the ledger can hold`)
  return value as NanoUsd
}

/**
 * For people: `$2.00`, `$0.0123`, `$0.00000125`. Four decimals, below a cent three significant digits, at least two
 * decimals; rounded half up, and never to zero.
 */
export function formatUsd(amount: NanoUsd): string {
  const decimals = amount >= NANO_PER_USD / 100n ? 4 : Math.min(DECIMALS, DECIMALS - String(amount).length + 3)
  const unit = 10n ** BigInt(DECIMALS - decimals)
  const digits = String((amount + unit / 2n) / unit).padStart(decimals + 1, '0')
  const fraction = digits.slice(-decimals).replace(/0+$/, '').padEnd(2, '0')
  return `$${digits.slice(0, -decimals)}.${fraction}`
}
