import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { actualCost, boundTokens, highestCost, priceOf } from '../../src/prices/cost.ts'
import { prices, usage } from '../bench.ts'

const price = priceOf(prices, 'm')
if (price === undefined) throw new Error('m has a price')

describe('the cost of a call', () => {
  it('is rounded up once, after the sum', () => {
    // 1 fresh token at 1_000 nano-dollars, 1 cached at 500, 1 generated at 2_000
    expect(actualCost(price, { input: 2, cachedInput: 1, output: 1, reasoning: 0 })).toBe(3_500n)
    const odd = { ...price, input: 1n as typeof price.input, output: 1n as typeof price.output }
    expect(actualCost(odd, { input: 1, cachedInput: 0, output: 1, reasoning: 1 })).toBe(1n)
  })

  it('is never above the bound of the same tokens, however many were cached', () => {
    const count = fc.integer({ min: 0, max: 1_000_000_000 })
    fc.assert(
      fc.property(count, count, count, (input, cachedInput, output) => {
        const used = { input, cachedInput, output, reasoning: 0 }
        expect(actualCost(price, used)).toBeLessThanOrEqual(highestCost(price, { input, output }))
      }),
    )
  })

  it('is held at the dearest input price', () => {
    const dear = { ...price, cachedInput: (price.input * 2n) as typeof price.input }
    expect(highestCost(dear, { input: 1_000_000, output: 0 })).toBe(dear.cachedInput)
    expect(actualCost(dear, usage(0))).toBe(0n)
  })

  it('is not known for a model without a price', () => {
    expect(priceOf(prices, 'unheard-of')).toBeUndefined()
  })
})

describe('the bound of prompt tokens', () => {
  it('is the bytes of the request and what each message and the reply add', () => {
    expect(boundTokens('añb', 3)).toBe(4 + 3 * 16 + 64)
    expect(boundTokens('')).toBe(2 * 16 + 64)
  })
})
