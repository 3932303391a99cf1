import { loadPrices } from '@bzzz/budget'
import type { PeerId } from '@bzzz/protocols'
import { expect, test } from 'vitest'
import { leastCap } from '../../src/reviews/least-cap.ts'

const house = { model: 'house', provider: 'house', input: '1.00', output: '10.00', window: 100_000 }
const named = { date: '2026-11-22', source: 'a test' }
const models = [
  { ...house, ...named },
  { ...house, ...named, model: 'mansion', input: '2.00', output: '20.00' },
]
const prices = loadPrices(JSON.stringify({ currency: 'USD', unit: 'per million tokens', models }), 'prices.json')

const [walnut, acacia] = ['walnut', 'acacia'] as unknown as [PeerId, PeerId]
const seat = (home: PeerId, model = 'house', offline = false) => ({ home, model, offline })
const calls = { prices, readingBytes: 3_000, maxOutputTokens: 1_000 }
const FRAME = 8 * 1024
const rounded = (amount: bigint) => ((amount + 99_999n) / 100_000n) * 100_000n

test('no call is held with less than the dearest of the first ones, a token a byte', () => {
  const { anyCall } = leastCap({ ...calls, seats: [seat(walnut), seat(acacia, 'mansion')] })
  expect(anyCall).toBe(3_000n * 2_000n + 1_000n * 20_000n)
})

test('the cap is enough for each seat when the dearest home has enough in its share', () => {
  const { eachSeat } = leastCap({ ...calls, seats: [seat(walnut), seat(walnut), seat(acacia, 'mansion')] })
  expect(eachSeat).toBe(rounded(3n * (BigInt(3_000 + FRAME) * 2_000n + 1_000n * 20_000n)))
})

test('rules count a token for four bytes', () => {
  const { anyCall } = leastCap({ ...calls, seats: [seat(walnut, 'house', true)] })
  expect(anyCall).toBe(750n * 1_000n + 1_000n * 10_000n)
})

test('of a change that is read by parts, any part may be small', () => {
  const { anyCall } = leastCap({ ...calls, readingBytes: 10_000_000, seats: [seat(walnut)] })
  expect(anyCall).toBe(1_000n * 10_000n)
})

test('a model whose price is not known here asks for nothing', () => {
  expect(leastCap({ ...calls, seats: [seat(walnut, 'unheard-of')] })).toEqual({ anyCall: 0n, eachSeat: 0n })
})
