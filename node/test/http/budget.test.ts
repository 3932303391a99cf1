import { problem, settlementsAnswer, uncertainAnswer } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { answerOf, doorsUnderTest, withToken } from './doors-under-test.ts'
import { lostCall, usd } from './mesh-of-three.ts'

const settle = (settlements: object[], headers: object = withToken) => ({
  ...{ method: 'POST' as const, url: '/api/budget/settlements', body: { settlements }, headers: { ...headers } },
})

function withLost(...calls: ReturnType<typeof lostCall>[]) {
  const doors = doorsUnderTest()
  for (const call of calls) doors.budget.calls.set(call.id, call)
  return doors
}

it('GET /api/budget/uncertain tells what may have been billed, by the names that the provider knows', async () => {
  const lost = lostCall('a', 0.5)
  const { agents } = withLost(lost)
  expect(answerOf(await agents.inject('/api/budget/uncertain'), 200, uncertainAnswer)).toEqual({
    node_id: 'walnut',
    calls: [
      {
        ...{ call: lost.id, turn: lost.turn, thread: lost.thread, agent: 'architect', model: 'house-large' },
        ...{ held_usd: 0.5, reserved_at: '2026-11-22T11:59:00.000Z', provider_request_id: 'req-a', simulated: false },
      },
    ],
    held_usd: 0.5,
    more: false,
  })
})

describe('POST /api/budget/settlements', () => {
  it('books each word by itself, to the nano-dollar, and says what was held before', async () => {
    const [a, b, done] = [lostCall('a', 0.5), lostCall('b', 0.25), lostCall('done', 0.5)]
    const { agents, budget } = withLost(a, b, { ...done, state: 'settled', actual: usd(0.1) })
    const words = [
      { call: a.id, cost_usd: '123456.123456789' },
      { call: b.id, cost_usd: 0 },
      { call: done.id, cost_usd: 0.2 },
      { call: '0'.repeat(64), cost_usd: 1 },
    ]
    const answer = answerOf(await agents.inject(settle(words)), 200, settlementsAnswer)
    expect(answer).toMatchObject({ settled: 2, repeated: 0, refused: 2, held_usd: 0.75, cost_usd: 123456.123456789 })
    expect(answer.results).toMatchObject([
      { status: 'settled', before_usd: 0.5 },
      { status: 'settled', cost_usd: 0, before_usd: 0.25 },
      { status: 'refused', code: 'settled', before_usd: 0.1 },
      { status: 'refused', code: 'unknown', before_usd: null },
    ])
    expect(budget.calls.get(a.id)?.actual).toBe(123_456_123_456_789n)
    const again = answerOf(await agents.inject(settle(words.slice(0, 2))), 200, settlementsAnswer)
    expect(again).toMatchObject({ settled: 0, repeated: 2, held_usd: 0, cost_usd: 0 })
  })

  it('is for whoever holds the token', async () => {
    const lost = lostCall('a', 0.5)
    const { agents, budget } = withLost(lost)
    const refused = await agents.inject(settle([{ call: lost.id, cost_usd: 0 }], {}))
    expect(answerOf(refused, 401, problem).code).toBe('TOKEN_REQUIRED')
    expect(budget.calls.get(lost.id)?.state).toBe('uncertain')
  })

  const call = lostCall('a', 1).id
  it.each([
    [[]],
    [[{ call: 'a call', cost_usd: 1 }]],
    [[{ call, cost_usd: -1 }]],
    [[{ call, cost_usd: '1e3' }]],
    [[{ call, cost_usd: '0.0000000001' }]],
    [[{ call, cost_usd: '1000000.1' }]],
    [Array.from({ length: 1_001 }, () => ({ call, cost_usd: 1 }))],
  ])('refuses %j', async (settlements) => {
    const { agents } = doorsUnderTest()
    expect(answerOf(await agents.inject(settle(settlements)), 400, problem).code).toBe('REQUEST_INVALID')
  })
})
