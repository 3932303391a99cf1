import { z } from 'zod'
import type { NanoUsd } from '../bytes/shapes.ts'

const NANO_PER_USD = 1_000_000_000n

/** Dollars in JSON, for people and charts. Sums are made of nano-dollars before; nothing is computed with these. */
export const usd = z.number()
/** A sum that somebody asks for: whole nano-dollars between nothing and a million dollars. */
export const askedUsd = z.number().min(0).max(1_000_000)

/** @returns the number that JSON writes as exactly `amount` below a million dollars (15 digits), as the nearest one above */
export function usdOf(amount: bigint): number {
  if (amount < 0n) return -usdOf(-amount)
  return Number(`${amount / NANO_PER_USD}.${String(amount % NANO_PER_USD).padStart(9, '0')}`)
}

/** @param dollars a number as it came in JSON, at least 0; rounded to the nearest nano-dollar */
export function nanoOfUsd(dollars: number): NanoUsd {
  return BigInt(dollars.toFixed(9).replace('.', '')) as NanoUsd
}
