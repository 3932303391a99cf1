import { costsBreakdown, dailyCosts, nanoOfUsd, usdOf } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { answerOf, doorsUnderTest } from './doors-under-test.ts'
import { lineOf, usd } from './mesh-of-three.ts'

it('GET /api/costs/daily tells the whole mesh’s day as an interval, and this node’s exactly', async () => {
  const { agents } = doorsUnderTest()
  const answer = answerOf(await agents.inject('/api/costs/daily'), 200, dailyCosts)
  expect(answer).toMatchObject({
    date: '2026-11-22',
    state: 'ok',
    limit_usd: 100,
    spent_usd: 12.75,
    spent_at_most_usd: 46.083333333,
    reserved_usd: 0.25,
    by_node: [
      { node_id: 'walnut', spent_usd: 2.75 },
      { node_id: 'ironwood', spent_usd: 10 },
    ],
    unknown_nodes: ['acacia'],
    own: { share_usd: 33, spent_usd: 2.5, held_usd: 0.25, available_usd: 30.25 },
    overrun_usd: 0,
    frozen_models: [],
  })
})

it('GET /api/costs/daily tells what was billed above the bounds of calls, and which models rest since', async () => {
  const { agents, budget } = doorsUnderTest()
  const day = lineOf('day', 'd:2026-11-22', 33, 2.5, 0.25)
  budget.running = [{ ...day, overrun: usd(0.5) }]
  budget.frozenModels = [{ model: 'gpt', billed: usd(0.75), held: usd(0.25) }]
  expect(answerOf(await agents.inject('/api/costs/daily'), 200, dailyCosts)).toMatchObject({
    overrun_usd: 0.5,
    frozen_models: [{ model: 'gpt', billed_usd: 0.75, bound_usd: 0.25 }],
  })
})

it('GET /api/costs/breakdown tells where this node’s money went', async () => {
  const { agents } = doorsUnderTest()
  const answer = answerOf(await agents.inject('/api/costs/breakdown'), 200, costsBreakdown)
  expect(answer.by_agent).toEqual([
    {
      name: 'architect',
      spent_usd: 2.5,
      unproven_usd: 0.5,
      held_usd: 0.25,
      calls: 3,
      input_tokens: 900,
      output_tokens: 80,
      simulated: true,
    },
  ])
})

describe('dollars in JSON', () => {
  it.each([
    [0n, '0'],
    [1n, '1e-9'],
    [300_000_001n, '0.300000001'],
    [999_999_999_999_999n, '999999.999999999'],
    [-1_500_000_000n, '-1.5'],
  ])('writes %s nano-dollars as %s', (nano, json) => {
    expect(JSON.stringify(usdOf(nano))).toBe(json)
  })

  it.each([
    [0.1 + 0.2, 300_000_000n],
    [1e-9, 1n],
    [2, 2_000_000_000n],
    [999_999.999_999_999, 999_999_999_999_999n],
  ])('reads %d as %s nano-dollars', (dollars, nano) => {
    expect(nanoOfUsd(dollars)).toBe(nano)
  })
})
