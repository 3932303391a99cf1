import type { NanoUsd, PriceRef, TokenUsage } from '@bzzz/protocols'
import { nanoUsdOf } from '../usd.ts'
import type { PriceTable, PriceTier, UnitPrices } from './table.ts'

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
  const { input, cachedInput, cacheWrite, output, simulated } = price
  const tiers = price.tiers.map((tier) => ({ ...tier }))
  return { model, input, cachedInput, cacheWrite, output, tiers, table: Uint8Array.from(table.hash), simulated }
}

/** What of a price makes a call cost what it does. */
export type PriceTerms = UnitPrices & { readonly tiers: readonly PriceTier[] }

export function isSamePrice(one: PriceTerms, other: PriceTerms): boolean {
  return (
    one.tiers.length === other.tiers.length &&
    isSameUnitPrices(one, other) &&
    one.tiers.every((tier, index) => {
      const others = other.tiers[index]
      return others !== undefined && tier.above === others.above && isSameUnitPrices(tier, others)
    })
  )
}

function isSameUnitPrices(one: UnitPrices, other: UnitPrices): boolean {
  return (['input', 'cachedInput', 'cacheWrite', 'output'] as const).every((field) => one[field] === other[field])
}

/**
 * The dearest that a token of a call can be: whether its prompt is read from the provider's cache, written to it or
 * neither, and in whichever tier it ends.
 * @param promptTokens at most
 * @returns nano-dollars per million tokens of the prompt, and of the reply
 */
export function dearestPrices(
  price: PriceTerms,
  promptTokens: number,
): { readonly input: NanoUsd; readonly output: NanoUsd } {
  const reachable = [price, ...price.tiers.filter(({ above }) => above < promptTokens)]
  return {
    input: highest(reachable.flatMap(({ input, cachedInput, cacheWrite }) => [input, cachedInput, cacheWrite])),
    output: highest(reachable.map(({ output }) => output)),
  }
}

/** The most that a call can cost: every prompt token at the dearest input price, every token of the reply generated. */
export function highestCost(price: PriceTerms, tokens: { input: number; output: number }): NanoUsd {
  const dearest = dearestPrices(price, tokens.input)
  return roundUp(BigInt(tokens.input) * dearest.input + BigInt(tokens.output) * dearest.output)
}

/** What a call cost by the provider's own count of tokens. */
export function actualCost(price: PriceTerms, usage: Omit<TokenUsage, 'cost'>): NanoUsd {
  const { input, cachedInput, cacheWrite, output } = price.tiers.findLast(({ above }) => above < usage.input) ?? price
  const fresh = BigInt(usage.input - usage.cachedInput - usage.cacheWrite) * input
  const cached = BigInt(usage.cachedInput) * cachedInput + BigInt(usage.cacheWrite) * cacheWrite
  return roundUp(fresh + cached + BigInt(usage.output) * output)
}

function highest(prices: readonly NanoUsd[]): NanoUsd {
  return prices.reduce((most, price) => (price > most ? price : most))
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
