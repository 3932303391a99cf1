import { budgetAnswer, problem, type ThreadCap, whyAnswer } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { answerOf, doorsUnderTest } from './doors-under-test.ts'
import { acacia, ironwood, lineOf, lostCall, NOW, openEntry, usd, waitingCall, walnut } from './mesh-of-three.ts'

const why = (about?: string) => `/api/budget/why${about === undefined ? '' : `?about=${about}`}`

describe('GET /api/budget', () => {
  it('tells the mesh’s day by node, this node’s part to the last grant, and what waits and is uncertain', async () => {
    const { agents, budget } = doorsUnderTest()
    const day = lineOf('day', 'd:2026-11-22', 33, 2.5, 0.25)
    budget.running = [{ ...day, rights: usd(34), received: usd(2), granted: usd(1), available: usd(31.25) }]
    const lost = lostCall('a', 0.25)
    budget.calls.set(lost.id, lost)
    budget.waits.push(waitingCall('b', 40, 8.75))
    const answer = answerOf(await agents.inject('/api/budget'), 200, budgetAnswer)
    expect(answer).toMatchObject({
      ...{ node_id: 'walnut', state: 'ok', play_money: 'all', unproven_usd: 0.5, frozen_models: [] },
      uncertain: { calls: 1, held_usd: 0.25, more: false },
      waiting: [{ agent: 'architect', needed_usd: 40, lacks: [{ period: 'd:2026-11-22', amount_usd: 8.75 }] }],
    })
    expect(answer.periods).toMatchObject([
      {
        ...{ period: 'd:2026-11-22', kind: 'day', resets_at: '2026-11-23T00:00:00.000Z', limit_usd: 100 },
        ...{ spent_usd: 12.75, spent_at_most_usd: 45.083333333 },
        own: { rights_usd: 34, initial_usd: 33, received_usd: 2, granted_usd: 1, available_usd: 31.25 },
        nodes: [
          { node_id: 'walnut', online: true, rights_usd: 34, charged_usd: 2.75, unspent_usd: 31.25 },
          { node_id: 'ironwood', online: true, charged_usd: 10, unspent_usd: 23 },
          { node_id: 'acacia', online: false, charged_usd: null, unspent_usd: 33.333333333, as_of: null },
        ],
      },
    ])
  })

  it('counts what an away node had left as spent since, at most', async () => {
    const { agents, world, budget, mesh } = doorsUnderTest()
    budget.running = [lineOf('day', 'd:2026-11-22', 33, 2.5, 0.25)]
    world.slots.set(acacia, { charged: 3, wallMs: NOW - 60_000 })
    const shown = async () => answerOf(await agents.inject('/api/budget'), 200, budgetAnswer).periods[0]
    const away = await shown()
    expect(away).toMatchObject({ spent_usd: 15.75, spent_at_most_usd: 46.083333333 })
    mesh.statuses = mesh.statuses.map((status) => ({ ...status, state: 'online' }))
    expect(await shown()).toMatchObject({ spent_usd: 15.75, spent_at_most_usd: 15.75 })
  })

  it('knows its own part without having told anything to the mesh', async () => {
    const { agents, world, budget } = doorsUnderTest()
    world.slots.delete(walnut)
    budget.running = [lineOf('day', 'd:2026-11-22', 33, 0, 0)]
    const [day] = answerOf(await agents.inject('/api/budget'), 200, budgetAnswer).periods
    expect(day).toMatchObject({ spent_usd: 10, spent_at_most_usd: 43.333333333 })
    expect(day?.nodes.filter(({ charged_usd }) => charged_usd === null)).toMatchObject([{ node_id: 'acacia' }])
  })
})

describe('GET /api/budget/why', () => {
  it('of a waiting call says what it is too much for, who was asked and said what, and what would let it go on', async () => {
    const { agents, budget, asked } = doorsUnderTest()
    budget.running = [lineOf('day', 'd:2026-11-22', 33, 2.5, 0.25), lineOf('month', 'm:2026-11', 333, 40, 0.25)]
    const waiting = waitingCall('b', 40, 9.75)
    budget.waits.push(waiting)
    const silence = { peer: acacia, atMs: NOW - 4_000, answer: 'silent', reason: null }
    const other = { ...silence, periods: ['m:2026-10' as never] }
    asked.push(other, { ...silence, periods: ['d:2026-11-22' as never] })
    asked.push({
      peer: ironwood,
      atMs: NOW - 2_000,
      periods: ['d:2026-11-22' as never],
      answer: 'nothing',
      reason: 'spent',
    })
    const answer = answerOf(await agents.inject(why(waiting.call.slice(0, 8))), 200, whyAnswer)
    expect(answer).toMatchObject({
      about: { kind: 'call', id: waiting.call },
      summary: 'architect waits: the day is spent; no node that is reached is known to have so much.',
      asked: [
        { node_id: 'ironwood', answer: 'nothing', reason: 'spent' },
        { node_id: 'acacia', answer: 'silent' },
      ],
    })
    expect(answer.remedies).toEqual([
      { words: 'calls under way here hold $0.25: what they do not use comes back when they end', command: null },
      { words: 'of 2026-11-22 there is left: ironwood $23.00; they are asked every few seconds', command: null },
      { words: 'acacia is away with up to $33.3333 of 2026-11-22: it can give when it is back', command: null },
      {
        words: '$9.75 is missing of 2026-11-22: raise the limit of $100.00, on the machine with the owner key',
        command: 'bzzz budget raise day 109.75',
      },
      { words: 'the next day begins at 2026-11-23T00:00 UTC', command: null },
    ])
  })

  it('counts what was given out above a lowered limit, and raises nothing after the owner key came back', async () => {
    const { agents, budget, world } = doorsUnderTest()
    const day = lineOf('day', 'd:2026-11-22', 33, 33, 0)
    budget.running = [{ ...day, minted: usd(20), rights: usd(53), spent: usd(53) }]
    budget.waits.push(waitingCall('b', 10, 10))
    const asked = async () =>
      answerOf(await agents.inject(why()), 200, whyAnswer).remedies.map((one) => Object.values(one))
    expect(await asked()).toContainEqual([
      '$10.00 is missing of 2026-11-22: raise the limit of $100.00, on the machine with the owner key',
      'bzzz budget raise day 129.34',
    ])
    world.restored = { version: 1002, beforeDay: 'd:2026-11-23' as never, beforeMonth: 'm:2026-12' as never }
    const remedies = await asked()
    expect(remedies).toContainEqual([expect.stringContaining('is not raised any more'), null])
    expect(remedies.flat().join()).not.toContain('bzzz budget raise')
  })

  it('after an overrun names a raise after which the call would fit, the deficit made up for', async () => {
    const { agents, budget } = doorsUnderTest()
    const day = lineOf('day', 'd:2026-11-22', 33, 36, 0.5)
    budget.running = [{ ...day, overrun: usd(3.5), available: usd(0) }]
    budget.waits.push(waitingCall('b', 10, 13.5))
    expect(answerOf(await agents.inject(why()), 200, whyAnswer).remedies).toContainEqual({
      words: '$13.50 is missing of 2026-11-22: raise the limit of $100.00, on the machine with the owner key',
      command: 'bzzz budget raise day 113.50',
    })
  })

  it('of what may have been billed says to settle it, and of a settled call what it cost', async () => {
    const { agents, budget } = doorsUnderTest()
    const [lost, done] = [lostCall('a', 0.25), lostCall('done', 0.5)]
    budget.calls.set(lost.id, lost)
    budget.calls.set(done.id, { ...done, state: 'settled', actual: usd(0.1), evidence: 'usage' })
    budget.waits.push(waitingCall('b', 40, 9.75))
    const uncertain = answerOf(await agents.inject(why(lost.id)), 200, whyAnswer)
    expect(uncertain).toMatchObject({
      summary: 'Nothing waits; the call of architect may have been billed, and its whole bound counts.',
      calls: [{ state: 'uncertain', held_usd: 0.25, cost_usd: null, provider_request_id: 'req-a' }],
    })
    const settled = answerOf(await agents.inject(why(done.turn)), 200, whyAnswer)
    expect(settled).toMatchObject({
      about: { kind: 'turn', id: done.turn },
      summary: 'It does not wait for money.',
      calls: [{ state: 'settled', cost_usd: 0.1, evidence: 'usage' }],
      remedies: [],
    })
    const all = answerOf(await agents.inject(why()), 200, whyAnswer)
    expect(all.about).toEqual({ kind: 'node', id: 'walnut' })
    expect(all.remedies).toContainEqual({
      words: '1 call of this node may have been billed and hold $0.25: say what they cost',
      command: 'bzzz budget settle --journal FILE',
    })
  })

  it('of a thread knows the shares of its cap, and that nothing waits in it', async () => {
    const { agents, threads, budget } = doorsUnderTest()
    const cap: ThreadCap = {
      amount: String(usd(2)),
      shares: [
        { account: budget.account, amount: String(usd(1)) },
        { account: { ...budget.account, peer: ironwood }, amount: String(usd(1)) },
      ],
    }
    const { thread } = await threads.create({ ...openEntry('a review'), cap })
    budget.running = [lineOf('thread', `t:${thread}`, 1, 0.5, 0.25)]
    const answer = answerOf(await agents.inject(why(thread)), 200, whyAnswer)
    expect(answer).toMatchObject({
      about: { kind: 'thread', id: thread },
      summary: 'Nothing waits for money in this thread.',
    })
    expect(answer.periods).toMatchObject([
      {
        ...{ kind: 'thread', resets_at: null, limit_usd: 2, spent_usd: null },
        nodes: [
          { node_id: 'walnut', charged_usd: 0.75, unspent_usd: 0.25 },
          { node_id: 'ironwood', charged_usd: null, unspent_usd: 1 },
        ],
      },
    ])
  })

  it('takes the beginning of a thread’s id, and of any call’s, and names those that begin alike', async () => {
    const { agents, threads, budget } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('a review'))
    const done = { ...lostCall('done', 0.5), state: 'settled' as const, actual: usd(0.1) }
    budget.calls.set(done.id, done)
    const about = async (id: string) => answerOf(await agents.inject(why(id)), 200, whyAnswer).about
    expect(await about(done.id.slice(0, 12))).toEqual({ kind: 'call', id: done.id })
    expect(await about(thread.slice(0, 18).toUpperCase())).toEqual({ kind: 'thread', id: thread })
    const { thread: other } = await threads.create(openEntry('another'))
    const refused = answerOf(await agents.inject(why(thread.slice(0, 8))), 400, problem)
    expect(refused.detail).toContain(`thread ${thread}, thread ${other}. Give more digits.`)
  })

  it.each([
    ['a'.repeat(64), 404, 'BUDGET_UNKNOWN'],
    ['3f9a1c07', 404, 'BUDGET_UNKNOWN'],
    ['01937c3e-5a70-7000-8000-000000000000', 404, 'THREAD_UNKNOWN'],
    ['walnut', 400, 'REQUEST_INVALID'],
  ])('of %s knows nothing', async (about, status, code) => {
    const { agents } = doorsUnderTest()
    expect(answerOf(await agents.inject(why(about)), status, problem).code).toBe(code)
  })
})
