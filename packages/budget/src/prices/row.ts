import { MAX_PRICE_TIERS, type NanoUsd } from '@bzzz/protocols'
import { z } from 'zod'
import { BudgetError } from '../errors.ts'
import { parseUsd } from '../usd.ts'
import type { Price, PriceTier, UnitPrices } from './table.ts'

const MAX_USD_PER_MILLION = parseUsd('1000000')
const usdPerMillion = z
  .union([z.string(), z.number()])
  .transform((value, context) => {
    try {
      return parseUsd(String(value))
    } catch (error) {
      if (!(error instanceof BudgetError)) throw error
      context.addIssue({ code: 'custom', message: error.message })
      return z.NEVER
    }
  })
  .refine((price) => price <= MAX_USD_PER_MILLION, { message: 'more than a dollar per token' })
const tokens = z.number().int().min(1).max(100_000_000)
const unitPrices = {
  input: usdPerMillion,
  cachedInput: usdPerMillion.optional(),
  cacheWrite: usdPerMillion.optional(),
  output: usdPerMillion,
}
const tier = z
  .strictObject({ above: tokens, ...unitPrices })
  .superRefine(checkCachePrices)
  .transform((prices): PriceTier => ({ above: prices.above, ...wholeUnitPrices(prices) }))

/** A model's line in a price file. */
export const row = z
  .strictObject({
    model: z.string().min(1).max(100),
    provider: z.string().min(1).max(64),
    ...unitPrices,
    tiers: z.array(tier).max(MAX_PRICE_TIERS).default([]),
    window: tokens.optional(),
    maxOutput: tokens.optional(),
    local: z.boolean().default(false),
    simulated: z.boolean().default(false),
    date: z.iso.date(),
    source: z.string().min(1).max(500),
  })
  .superRefine((price, context) => {
    checkCachePrices(price, context)
    if (!price.local) refuseFree(price, [], context)
    for (const [index, tier] of price.tiers.entries()) {
      if (!price.local) refuseFree(tier, ['tiers', index], context)
      checkTier(price, index, context)
    }
  })
  .transform((price): Price => {
    const { window = null, maxOutput = null } = price
    return { ...price, ...wholeUnitPrices(price), window, maxOutput }
  })

type StatedPrices = Pick<UnitPrices, 'input' | 'output'> & {
  readonly [Field in 'cachedInput' | 'cacheWrite']?: NanoUsd | undefined
}

function refuseFree(prices: StatedPrices, path: PropertyKey[], context: z.RefinementCtx): void {
  for (const field of ['input', 'cachedInput', 'output'] as const) {
    if (prices[field] !== 0n) continue
    const message = 'a price of 0 needs "local": true; a hosted model is never free by mistake'
    context.addIssue({ code: 'custom', path: [...path, field], message })
  }
}

/** So that a prompt token of which nobody tells what became of it is at its dearest when it counts as written. */
function checkCachePrices({ input, cachedInput, cacheWrite }: StatedPrices, context: z.RefinementCtx): void {
  if (cachedInput !== undefined && cachedInput > input) {
    const message = 'a token that is read from the cache costs at most what another does'
    context.addIssue({ code: 'custom', path: ['cachedInput'], message })
  }
  if (cacheWrite !== undefined && cacheWrite < input) {
    const message = 'a token that is written to the cache costs at least what another does: name the whole price'
    context.addIssue({ code: 'custom', path: ['cacheWrite'], message })
  }
}

function checkTier(
  { tiers, input, cacheWrite = input }: StatedPrices & { readonly tiers: readonly PriceTier[] },
  index: number,
  context: z.RefinementCtx,
): void {
  const [before, tier] = [tiers[index - 1], tiers[index]]
  if (before !== undefined && tier !== undefined && tier.above <= before.above) {
    const message = `tiers come in order, and this one is not above ${before.above}`
    context.addIssue({ code: 'custom', path: ['tiers', index, 'above'], message })
  }
  // A surcharge does not end with more tokens: then it was forgotten.
  if (tier !== undefined && cacheWrite > input && tier.cacheWrite === tier.input) {
    const message = 'cache writes of this model are dearer than its input: name their price here too'
    context.addIssue({ code: 'custom', path: ['tiers', index], message })
  }
}

/** What is not said costs what other prompt tokens do. */
function wholeUnitPrices({ input, cachedInput = input, cacheWrite = input, output }: StatedPrices): UnitPrices {
  return { input, cachedInput, cacheWrite, output }
}
