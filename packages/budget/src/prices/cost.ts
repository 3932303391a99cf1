import type { NanoUsd, PriceRef, TokenUsage } from '@bzzz/protocols'
import { nanoUsdOf } from '../usd.ts'
import type { PriceTable } from './prices.ts'

const TOKENS_PER_PRICE = 1_000_000n
// Role, separators and such around each message, and what opens the reply: above every chat format in use.
const TOKENS_PER_MESSAGE = 16
const TOKENS_PER_REQUEST = 64

// Far above every window; with MAX_USD_PER_MILLION it keeps each cost within what a record holds.
const MAX_TOKENS = 1_000_000_000

export function isTokenCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_TOKENS
}

/** The price at which a call is admitted and settled; undefined for a model without one. */
export function priceOf(table: PriceTable, model: string): PriceRef | undefined {
  const price = table.prices.get(model)
  if (price === undefined) return undefined
  const { input, cachedInput, output, simulated } = price
  return { model, input, cachedInput, output, table: Uint8Array.from(table.hash), simulated }
}

/** The most that a call can cost: every prompt token at the dearest input price, every token of the reply generated. */
export function highestCost(price: PriceRef, tokens: { input: number; output: number }): NanoUsd {
  const dearest = price.input > price.cachedInput ? price.input : price.cachedInput
  return roundUp(BigInt(tokens.input) * dearest + BigInt(tokens.output) * price.output)
}

/** What a call cost by the provider's own count. */
export function actualCost(price: PriceRef, usage: TokenUsage): NanoUsd {
  const cached = BigInt(Math.min(usage.cachedInput, usage.input))
  const fresh = BigInt(usage.input) - cached
  return roundUp(fresh * price.input + cached * price.cachedInput + BigInt(usage.output) * price.output)
}

/** Once per call and after the sum, so that no split of the same tokens costs more than its bound. */
function roundUp(sum: bigint): NanoUsd {
  return nanoUsdOf((sum + TOKENS_PER_PRICE - 1n) / TOKENS_PER_PRICE)
}

/**
 * Upper bound of the prompt tokens of a request: a byte-level BPE never makes more tokens than bytes. Other tokenizers
 * need their own bound.
 * @param text the whole serialised request, tools and schema included
 */
export function boundTokens(text: string, messages = 2): number {
  return Buffer.byteLength(text) + messages * TOKENS_PER_MESSAGE + TOKENS_PER_REQUEST
}
