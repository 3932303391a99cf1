import { loadPrices, type PriceTable } from '@bzzz/budget'
import { expect, test } from 'vitest'
import { highestCost } from '../../src/reviews/highest-cost.ts'

/** Dollars a million tokens. */
function pricesOf(input: string, output: string, more: object = {}): PriceTable {
  const house = {
    model: 'house',
    provider: 'house',
    input,
    output,
    window: 100_000,
    date: '2026-11-22',
    source: 'a test',
    ...more,
  }
  return loadPrices(JSON.stringify({ currency: 'USD', unit: 'per million tokens', models: [house] }), 'prices.json')
}

const prices = pricesOf('1.00', '10.00')
const bounds = { models: ['house'], prices, changeBytes: 1_000, files: 2, rounds: 1, maxOutputTokens: 100, attempts: 1 }

const FRAME = 8 * 1024

test('it is every call of every seat at its largest prompt and its longest reply', () => {
  const change = BigInt(1_000 + FRAME)
  const said = 4n * 100n * 8n // findings, then discussion, proposal and vote of one round
  const prompts = change + 3n * (change + said)
  expect(highestCost(bounds)).toBe(prompts * 1_000n + 4n * 100n * 10_000n) // nano-dollars a token
})

test('no prompt is larger than the window lets it become', () => {
  const largest = 2 * (100_000 - 4_000)
  const many = { ...bounds, models: Array.from({ length: 10 }, () => 'house'), maxOutputTokens: 4_000 }
  const perSeat = BigInt(1_000 + FRAME + 3 * largest) * 1_000n + 4n * 4_000n * 10_000n
  expect(highestCost(many)).toBe(10n * perSeat)
})

test('each prompt is as dear as so long a one can be', () => {
  const written = pricesOf('1.00', '10.00', { cacheWrite: '2.00' })
  const change = BigInt(1_000 + FRAME)
  const prompts = change + 3n * (change + 4n * 100n * 8n)
  expect(highestCost({ ...bounds, prices: written })).toBe(prompts * 2_000n + 4n * 100n * 10_000n)
  const longest = Number(change) + 4 * 100 * 8
  const tiered = (above: number) => pricesOf('1.00', '10.00', { tiers: [{ above, input: '3.00', output: '20.00' }] })
  expect(highestCost({ ...bounds, prices: tiered(longest) })).toBe(highestCost(bounds))
  expect(highestCost({ ...bounds, prices: tiered(longest - 1) })).toBe(prompts * 3_000n + 4n * 100n * 20_000n)
})

test('a change that does not fit is read by files and parts of files, each with its own frame', () => {
  const small = highestCost({ ...bounds, changeBytes: 190_000 })
  const large = highestCost({ ...bounds, changeBytes: 210_000, files: 40 })
  expect(large - small).toBeGreaterThan(BigInt(40 * (FRAME * 1_000 + 100 * 10_000)))
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
  const change = 1_000 + FRAME
  const tokens = change + 3 * (change + 4 * 100 * 8) + 4 * 100
  expect(highestCost({ ...bounds, prices: thousandth })).toBe(BigInt(Math.ceil(tokens / 1_000)))
})
