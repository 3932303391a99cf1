import type { NanoUsd, TokenUsage } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { actualCost, boundTokens, dearestPrices, highestCost, isSamePrice, priceOf } from '../../src/prices/cost.ts'
import { loadPrices, shippedPrices } from '../../src/prices/prices.ts'
import { parseUsd } from '../../src/usd.ts'
import { prices, usage } from '../bench.ts'

const table = (...models: object[]) => {
  const about = { model: 'm', provider: 'p', date: '2026-11-22', source: 'test' }
  const text = JSON.stringify({
    currency: 'USD',
    unit: 'per million tokens',
    models: models.map((row) => ({ ...about, ...row })),
  })
  return loadPrices(text, 'prices.json')
}
const priceIn = (of: ReturnType<typeof table>, model = 'm') => {
  const price = priceOf(of, model)
  if (price === undefined) throw new Error(`${model} has a price`)
  return price
}
const price = priceIn(prices)
/** As a vendor has it: cache writes above input, all of it dearer for long prompts. */
const tiered = priceIn(
  table({
    ...{ input: 3, cachedInput: 0.3, cacheWrite: 6, output: 15 },
    tiers: [{ above: 200_000, input: 6, cachedInput: 0.6, cacheWrite: 12, output: 22.5 }],
  }),
)

describe('the cost of a call', () => {
  it('is rounded up once, after the sum', () => {
    // 1 fresh token at 1_000 nano-dollars, 1 cached at 500, 1 generated at 2_000
    expect(actualCost(price, usage(1, { input: 2, cachedInput: 1 }))).toBe(3_500n)
    const odd = { ...price, input: 1n as NanoUsd, output: 1n as NanoUsd }
    expect(actualCost(odd, usage(1, { input: 1 }))).toBe(1n)
  })

  it('has a price for each of fresh, read, written and generated tokens', () => {
    const used = usage(1_000, { input: 10_000, cachedInput: 5_000, cacheWrite: 3_000, reasoning: 900 })
    expect(actualCost(tiered, used)).toBe(parseUsd('0.0405')) // 0.006 + 0.0015 + 0.018 + 0.015
  })

  it('is that of its tier for all its tokens, from the first prompt token above it on', () => {
    const read = { cachedInput: 100_000 }
    const below = actualCost(tiered, usage(1_000, { input: 200_000, ...read }))
    expect(below).toBe(parseUsd('0.345')) // 0.3 + 0.03 + 0.015
    const above = actualCost(tiered, usage(1_000, { input: 200_001, ...read }))
    expect(above).toBe(parseUsd('0.682506')) // 0.600006 + 0.06 + 0.0225
  })

  it('is held at the dearest input price', () => {
    expect(highestCost(tiered, { input: 200_000, output: 1_000 })).toBe(parseUsd('1.215')) // all of it written
    expect(highestCost(tiered, { input: 200_001, output: 1_000 })).toBe(parseUsd('2.422512'))
  })

  it('is held at a dearer price that only fewer tokens have', () => {
    const falling = { ...tiered, tiers: [{ above: 10, ...price }] }
    expect(highestCost(falling, { input: 1_000_000, output: 1_000_000 })).toBe(parseUsd('21'))
    expect(dearestPrices(falling, 1_000_000)).toEqual({ input: parseUsd('6'), output: parseUsd('15') })
  })

  it('is not known for a model without a price', () => {
    expect(priceOf(prices, 'unheard-of')).toBeUndefined()
  })
})

/** Nano-dollars, so that what is left to round is as odd as it can be. */
const amount = fc.bigInt({ min: 1n, max: 999_000_000_000_000n })
const usd = (nano: bigint) => `${nano / 1_000_000_000n}.${String(nano % 1_000_000_000n).padStart(9, '0')}`
const unitPrices = (hasSurcharge: boolean) =>
  fc.tuple(amount, amount, amount, amount).map(([one, two, surcharge, output]) => ({
    cachedInput: usd(one < two ? one : two),
    input: usd(one < two ? two : one),
    output: usd(output),
    ...(hasSurcharge ? { cacheWrite: usd((one < two ? two : one) + (surcharge % 1_000_000n) + 1n) } : {}),
  }))
const anyTable = fc.boolean().chain((hasSurcharge) => {
  const tier = fc.tuple(fc.integer({ min: 1, max: 1_000 }), unitPrices(hasSurcharge))
  const tiers = fc.uniqueArray(tier, { selector: ([above]) => above, maxLength: 8 })
  return fc.tuple(unitPrices(hasSurcharge), tiers).map(([base, tiers]) => ({
    ...base,
    tiers: tiers.toSorted(([a], [b]) => a - b).map(([above, prices]) => ({ above, ...prices })),
  }))
})

/** Anything that a provider can bill of a request within its bounds. */
function usageWithin(bounds: { input: number; output: number }): fc.Arbitrary<TokenUsage> {
  const part = fc.double({ min: 0, max: 1, noNaN: true })
  return fc
    .tuple(fc.integer({ min: 0, max: bounds.input }), fc.integer({ min: 0, max: bounds.output }), part, part)
    .map(([input, output, read, written]) => {
      const cachedInput = Math.floor(input * read)
      const cacheWrite = Math.floor((input - cachedInput) * written)
      return usage(output, { input, cachedInput, cacheWrite })
    })
}
const boundsAndUsage = fc
  .record({ input: fc.integer({ min: 0, max: 1_200 }), output: fc.integer({ min: 0, max: 1_200 }) })
  .chain((bounds) => fc.tuple(fc.constant(bounds), usageWithin(bounds)))

describe('the bound of a call', () => {
  it('holds for every price table and every usage within the bounds of the request', () => {
    fc.assert(
      fc.property(anyTable, boundsAndUsage, (row, [bounds, used]) => {
        const any = priceIn(table(row))
        expect(actualCost(any, used)).toBeLessThanOrEqual(highestCost(any, bounds))
      }),
      { numRuns: 500 },
    )
  })

  it('is reached by a usage within the bounds where no tier is above another', () => {
    fc.assert(
      fc.property(fc.boolean().chain(unitPrices), fc.nat(1_000_000), fc.nat(1_000_000), (row, input, output) => {
        const any = priceIn(table(row))
        const dearest = usage(output, { input, cacheWrite: input })
        expect(actualCost(any, dearest)).toBe(highestCost(any, { input, output }))
      }),
    )
  })

  it('holds for the shipped prices, at the edges of their tiers too', async () => {
    const shipped = await shippedPrices()
    for (const { model, tiers } of shipped.prices.values()) {
      const any = priceIn(shipped, model)
      const edges = [0, 1, ...tiers.flatMap(({ above }) => [above - 1, above, above + 1]), 2_000_000]
      for (const bound of edges) {
        const most = highestCost(any, { input: bound, output: 1_000 })
        for (const input of edges.filter((edge) => edge <= bound)) {
          for (const split of [{}, { cachedInput: input }, { cacheWrite: input }]) {
            expect(actualCost(any, usage(1_000, { input, ...split }))).toBeLessThanOrEqual(most)
          }
        }
      }
    }
  })
})

describe('a price', () => {
  it('is the same as long as every field of every tier is', () => {
    expect(isSamePrice(tiered, structuredClone(tiered))).toBe(true)
    const one = 1n as NanoUsd
    const [tier] = tiered.tiers
    if (tier === undefined) throw new Error('there is a tier')
    const others = [
      ...(['input', 'cachedInput', 'cacheWrite', 'output'] as const).flatMap((field) => [
        { ...tiered, [field]: one },
        { ...tiered, tiers: [{ ...tier, [field]: one }] },
      ]),
      { ...tiered, tiers: [{ ...tier, above: 1 }] },
      { ...tiered, tiers: [] },
      { ...tiered, tiers: [tier, { ...tier, above: 300_000 }] },
    ]
    for (const other of others) expect(isSamePrice(tiered, other)).toBe(false)
  })
})

describe('the bound of prompt tokens', () => {
  it('is the bytes of the request and what each message and the reply add', () => {
    expect(boundTokens('añb', 3)).toBe(4 + 3 * 16 + 64)
    expect(boundTokens('')).toBe(2 * 16 + 64)
  })
})
