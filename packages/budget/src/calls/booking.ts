import type { LedgerEvent, NanoUsd, PriceRef, TokenUsage } from '@bzzz/protocols'
import { actualCost, isTokenCount } from '../prices/cost.ts'
import type { Call } from './call.ts'
import type { CallOutcome } from './reservation.ts'

// A million dollars: no call costs that, and the sums of a ledger stay far within what a record holds.
export const MAX_STATED_COST = 1_000_000_000_000_000n

/** What is charged for a call, and how it is known. */
export type Booking = Pick<Extract<LedgerEvent, { kind: 'settled' }>, 'amount' | 'usage' | 'evidence'>

export function bookingOf({ usage: stated, unclear }: CallOutcome, { max, priceRef }: Call): Booking {
  const usage = countable(stated)
  if (usage !== null) return { amount: costOf(priceRef, usage), usage, evidence: 'usage' }
  const nothingCame = stated === null && (unclear ?? null) === null
  return { amount: max, usage, evidence: nothingCame ? 'none' : 'unclear' }
}

/** Whether the amount is the one that its evidence gives. What an operator says cannot be checked, but for what it is about. */
export function isBookedRight({ amount, usage, evidence }: Booking, { state, max, priceRef }: Call): boolean {
  switch (evidence) {
    case 'usage':
      return usage !== null && amount === costOf(priceRef, usage)
    case 'none':
    case 'unclear':
      return usage === null && amount === max
    case 'operator':
      return state === 'uncertain' && usage === null && amount <= MAX_STATED_COST
  }
}

/** A provider that says what it charged is believed when that is more than its tokens cost by the price table. */
function costOf(price: PriceRef, usage: TokenUsage): NanoUsd {
  const byTable = actualCost(price, usage)
  return usage.cost !== null && usage.cost > byTable ? usage.cost : byTable
}

/** The counts alone, and only if they can be true: what a provider sends is not trusted to be. */
function countable(usage: TokenUsage | null): TokenUsage | null {
  if (usage === null) return null
  const { input, cachedInput, cacheWrite, output, reasoning, cost } = usage
  if (![input, cachedInput, cacheWrite, output, reasoning].every(isTokenCount)) return null
  if (cachedInput + cacheWrite > input || reasoning > output) return null
  if (cost !== null && (cost < 0n || cost > MAX_STATED_COST)) return null
  return { input, cachedInput, cacheWrite, output, reasoning, cost }
}
