import { loadPrices, type PriceTable } from '@bzzz/budget'
import { expect, test } from 'vitest'
import { highestCost } from '../../src/reviews/highest-cost.ts'

/** Dollars a million tokens. */
function pricesOf(input: string, output: string): PriceTable {
  const house = {
    model: 'house',
    provider: 'house',
    input,
    output,
    window: 100_000,
    date: '2026-11-22',
    source: 'a test',
  }
  return loadPrices(JSON.stringify({ currency: 'USD', unit: 'per million tokens', models: [house] }), 'prices.json')
}

const prices = pricesOf('1.00', '10.00')
const bounds = { models: ['house'], prices, changeBytes: 1_000, rounds: 1, maxOutputTokens: 100, attempts: 1 }

test('it is every call of every seat at its largest prompt and its longest reply', () => {
  const calls = 4n // findings, then discussion, proposal and vote of one round
  const prompt = 1_000n + 16n * 1024n + 4n * 100n * 8n
  const perCall = prompt * 1_000n + 100n * 10_000n // nano-dollars a token
  expect(highestCost(bounds)).toBe(calls * perCall)
})

test('further attempts multiply it', () => {
  expect(highestCost({ ...bounds, attempts: 3 })).toBe(3n * highestCost(bounds))
})

test.each([
  ['seats', { models: ['house', 'house'] }, 2n],
  ['rounds', { rounds: 2 }, 1n],
  ['bytes of the change', { changeBytes: 100_000 }, 1n],
  ['tokens of a reply', { maxOutputTokens: 10_000 }, 1n],
])('more %s never make it less', (_, more, atLeastTimes) => {
  expect(highestCost({ ...bounds, ...more })).toBeGreaterThan(atLeastTimes * highestCost(bounds))
})

test('a model whose price is not known here adds nothing', () => {
  expect(highestCost({ ...bounds, models: ['unheard-of'] })).toBe(0n)
})

test('a fraction of a nano-dollar counts as a whole one', () => {
  const thousandth = pricesOf('0.000001', '0.000001') // of a nano-dollar a token
  const tokens = 4 * (1_000 + 16 * 1024 + 4 * 100 * 8 + 100)
  expect(highestCost({ ...bounds, prices: thousandth })).toBe(BigInt(Math.ceil(tokens / 1_000)))
})
