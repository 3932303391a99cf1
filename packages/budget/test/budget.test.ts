import { callIdOf, MAX_REPLY_BYTES } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { loadPrices, shippedPrices } from '../src/prices/prices.ts'
import { mergePrices } from '../src/prices/table.ts'
import { parseUsd } from '../src/usd.ts'
import { answer, callOf, NOON, openBench, period, refusalOf, reserved, signerNamed, thread, usage } from './bench.ts'

const cents = (amount: number) => parseUsd(String(amount / 100))
const dearer = loadPrices(
  JSON.stringify({
    currency: 'USD',
    unit: 'per million tokens',
    models: [{ model: 'coin', provider: 'p', input: '1', output: '15000', date: '2026-11-23', source: 'test' }],
  }),
  'dearer.json',
)
const TODAY = 'd:2026-11-22'

describe('the last dollar', () => {
  it('goes to exactly as many of a thousand concurrent calls as it pays for', async () => {
    const { budget, room } = await openBench({ limits: { day: parseUsd('1'), month: parseUsd('10') } })
    const results = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => budget.reserve(callOf(3, `call-${index}`))),
    )
    expect(results.filter(({ status }) => status === 'reserved')).toHaveLength(33)
    expect(results.filter(({ status }) => status === 'refused')).toHaveLength(967)
    expect(period(budget, TODAY)).toMatchObject({ spent: 0n, held: cents(99), available: cents(1) })
    const records: string[] = []
    for await (const key of room.keys({ gte: 'o/', lt: 'o0' })) records.push(key)
    expect(records).toHaveLength(33)
  })

  it('is not given twice to two runs of one turn', async () => {
    const { budget } = await openBench()
    const [first, second] = await Promise.all([budget.reserve(callOf(60, 'a')), budget.reserve(callOf(60, 'a'))])
    expect(first.status).toBe('reserved')
    expect(second).toMatchObject({ status: 'known', call: { state: 'reserved', max: cents(60) } })
    expect(period(budget, TODAY).held).toBe(cents(60))
  })
})

describe('a refusal', () => {
  it('charges nothing, names its limit, and says in figures what was needed and what there was', async () => {
    const { budget, facts, room } = await openBench()
    const call = await reserved(budget, callOf(50, 'a'))
    await budget.sent(call)
    await budget.settle(call, answer(40))
    await reserved(budget, callOf(20, 'b'))
    const before = await keyCount(room)
    const refusal = refusalOf(await budget.reserve(callOf(45, 'c')))
    expect(refusal).toMatchObject({
      by: 'day',
      period: TODAY,
      needed: cents(45),
      limit: cents(100),
      spent: cents(40),
      held: cents(20),
      available: cents(40),
    })
    expect(refusal.reason).toBe(
      "a call of architect to coin may cost $0.45, and $0.40 is left: this node's share of the mesh's $1.00 for 2026-11-22 " +
        'is $1.00, of which $0.40 is spent and $0.20 held. It goes on at 2026-11-23T00:00 UTC, or when another node gives it rights, ' +
        'or a held call costs less ' +
        'than its bound',
    )
    expect(await keyCount(room)).toBe(before)
    expect(period(budget, TODAY).held).toBe(cents(20))
    expect(facts.at(-1)).toMatchObject({ type: 'refused', by: 'day', agent: 'architect', model: 'coin' })
  })

  it('comes from the month when the day has room, and leaves the day as it was', async () => {
    const { budget } = await openBench({ limits: { day: parseUsd('1'), month: parseUsd('0.50') } })
    expect(await budget.reserve(callOf(60, 'a'))).toMatchObject({ status: 'refused', by: 'month', period: 'm:2026-11' })
    expect(period(budget, TODAY)).toMatchObject({ held: 0n, available: cents(100) })
  })

  it('comes from the agent when it has used up its own day, and from nobody else', async () => {
    const { budget } = await openBench({ perAgentDaily: parseUsd('0.30') })
    await reserved(budget, callOf(20, 'a'))
    expect(await budget.reserve(callOf(20, 'b'))).toMatchObject({
      status: 'refused',
      by: 'agent-day',
      period: 'a:architect:2026-11-22',
      available: cents(10),
    })
    expect((await budget.reserve(callOf(20, 'b', { agent: 'reviewer' }))).status).toBe('reserved')
    expect(period(budget, 'a:reviewer:2026-11-22')).toMatchObject({ kind: 'agent-day', held: cents(20), limit: null })
  })

  it("comes from this node's own configuration when that is lower than its share", async () => {
    const { budget } = await openBench({}, { localCaps: { day: parseUsd('0.10') } })
    const refusal = refusalOf(await budget.reserve(callOf(11, 'a')))
    expect(refusal).toMatchObject({ by: 'local-cap', period: TODAY, limit: cents(10), available: cents(10) })
    expect(refusal.reason).toContain("the cap that this node's own configuration sets for 2026-11-22 is $0.10")
    expect((await budget.reserve(callOf(10, 'a'))).status).toBe('reserved')
  })

  it('meets a model without a price', async () => {
    const { budget } = await openBench()
    const refusal = refusalOf(await budget.reserve(callOf(1, 'a', { model: 'unheard-of' })))
    expect(refusal).toMatchObject({ by: 'unpriced', period: null })
    expect(refusal.reason).toContain('there is no price for unheard-of')
  })

  it('meets every paid call of an account that the manifest does not know, and says so', async () => {
    const { budget, manifest, account } = await openBench({ members: [stranger()] })
    expect(budget.rights).toBe('none')
    const refusal = refusalOf(await budget.reserve(callOf(1, 'a')))
    expect(refusal.by).toBe('no-rights')
    expect(refusal.reason).toContain(`no rights to this node's account ${account.peer}/${account.incarnation}`)
    expect(manifest.manifest.allotments).toHaveLength(2)
    expect((await budget.reserve(callOf(5, 'b', { model: 'home' }))).status).toBe('reserved')
  })

  it('rejects what is no number of tokens, or no agent, without touching the others', async () => {
    const { budget } = await openBench()
    await expect(budget.reserve(callOf(-1, 'a'))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(budget.reserve(callOf(0.5, 'a'))).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    const [bad, good] = await Promise.allSettled([
      budget.reserve(callOf(1, 'a', { agent: 'Not An Agent' })),
      budget.reserve(callOf(1, 'b')),
    ])
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'BAD_REQUEST' } })
    expect(good).toMatchObject({ status: 'fulfilled', value: { status: 'reserved' } })
  })
})

describe('a settlement', () => {
  it('gives back what was not used, and keeps the reply', async () => {
    const { budget } = await openBench()
    const call = await reserved(budget, callOf(50, 'a', { inputTokens: 1 }))
    await budget.sent(call)
    const settled = await budget.settle(call, answer(20, '{"summary":"fine"}'))
    expect(settled).toMatchObject({ state: 'settled', actual: cents(20), reply: '{"summary":"fine"}', model: 'coin' })
    expect(period(budget, TODAY)).toMatchObject({ spent: cents(20), held: 0n, available: cents(80) })
    expect(period(budget, 'm:2026-11')).toMatchObject({ spent: cents(20), limit: parseUsd('10') })
  })

  it('counts once, however often it comes', async () => {
    const { budget } = await openBench()
    const call = await reserved(budget, callOf(50, 'a'))
    await budget.sent(call)
    const [first, second] = await Promise.all([budget.settle(call, answer(20)), budget.settle(call, answer(30))])
    expect(second).toEqual(first)
    expect(period(budget, TODAY).spent).toBe(cents(20))
  })

  it.each([
    ['none', {}],
    ['unclear', { unclear: 'total_tokens is not the sum' }],
  ])('with usage that is %s charges the whole hold and says so', async (evidence, unclear) => {
    const { budget, facts } = await openBench()
    const call = await reserved(budget, callOf(10, 'a'))
    await budget.sent(call)
    const settled = await budget.settle(call, { usage: null, ...unclear, reply: '{}', providerRequestId: null })
    expect(settled).toMatchObject({ state: 'settled', actual: cents(10), usage: null })
    expect(facts.findLast(({ type }) => type === 'settled')).toMatchObject({ evidence })
    expect(period(budget, TODAY)).toMatchObject({ spent: cents(10), held: 0n })
  })

  it('of a provider that says it charged more than the hold is an overrun, whatever the tokens cost', async () => {
    const { budget, facts } = await openBench()
    const call = await reserved(budget, callOf(10, 'a', { model: 'home' }))
    await budget.sent(call)
    await budget.settle(call, { usage: usage(10, { cost: cents(1) }), reply: '{}', providerRequestId: null })
    expect(facts.at(-1)).toMatchObject({ type: 'overrun', amount: cents(1), max: 0n })
    expect(refusalOf(await budget.reserve(callOf(1, 'b', { model: 'home' }))).by).toBe('frozen-model')
  })

  it('above the hold books all of it and freezes the model on this node until its price is another', async () => {
    const bench = await openBench()
    const call = await reserved(bench.budget, callOf(90, 'a'))
    await bench.budget.sent(call)
    await bench.budget.settle(call, answer(150))
    expect(bench.facts.at(-1)).toMatchObject({ type: 'overrun', amount: cents(150), max: cents(90) })
    expect(period(bench.budget, TODAY)).toMatchObject({
      spent: cents(150),
      overrun: cents(60),
      held: 0n,
      available: 0n,
    })
    const reopened = await bench.reopen()
    const refusal = refusalOf(await reopened.reserve(callOf(1, 'b')))
    expect(refusal.by).toBe('frozen-model')
    expect(refusal.reason).toBe(
      'coin is frozen on this node: $1.50 was billed for a call that could cost $0.90; correct its price in the price file and start the node again',
    )
    expect(reopened.report().frozenModels).toEqual([{ model: 'coin', billed: cents(150), held: cents(90) }])
    expect((await reopened.reserve(callOf(5, 'c', { model: 'home' }))).status).toBe('reserved')
    bench.clock.ms += 24 * 3_600_000
    const corrected = await bench.reopen({ prices: await shippedPrices().then((other) => mergePrices(other, dearer)) })
    expect(corrected.report().frozenModels).toEqual([])
    expect((await corrected.reserve(callOf(5, 'd'))).status).toBe('reserved')
  })

  it('books the cost of a reply that is too long to keep', async () => {
    const { budget } = await openBench()
    const call = await reserved(budget, callOf(50, 'a'))
    await budget.sent(call)
    const settled = await budget.settle(call, answer(20, 'é'.repeat(MAX_REPLY_BYTES / 2 + 1)))
    expect(settled).toMatchObject({ actual: cents(20), reply: null })
  })

  it('finds a call whose outcome was given up', async () => {
    const { budget } = await openBench()
    const call = await reserved(budget, callOf(50, 'a'))
    await budget.sent(call)
    await budget.lose(call, 'the stream ended without usage')
    expect(period(budget, TODAY).held).toBe(cents(50))
    await budget.settle(call, answer(20))
    expect(period(budget, TODAY)).toMatchObject({ spent: cents(20), held: 0n })
  })

  it('needs a call that was sent', async () => {
    const { budget } = await openBench()
    const call = await reserved(budget, callOf(50, 'a'))
    await expect(budget.settle(call, answer(1))).rejects.toMatchObject({ code: 'CALL_STATE' })
    const unknown = callIdOf(callOf(1, 'never').turn, 0, 0)
    await expect(budget.settle(unknown, answer(1))).rejects.toMatchObject({ code: 'CALL_UNKNOWN' })
  })
})

describe('a reservation', () => {
  it('is sent once', async () => {
    const { budget } = await openBench()
    const call = await reserved(budget, callOf(50, 'a'))
    const results = await Promise.allSettled([budget.sent(call), budget.sent(call)])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  })

  it('is given back when it is released, and can then never be sent', async () => {
    const { budget } = await openBench()
    const call = await reserved(budget, callOf(50, 'a'))
    await budget.release(call, 'the turn was cancelled')
    expect(period(budget, TODAY)).toMatchObject({ held: 0n, available: cents(100) })
    await expect(budget.sent(call)).rejects.toMatchObject({ code: 'CALL_STATE' })
    expect(await budget.reserve(callOf(50, 'a'))).toMatchObject({ status: 'known', call: { state: 'released' } })
  })

  it('cannot be released once it was sent', async () => {
    const { budget } = await openBench()
    const call = await reserved(budget, callOf(50, 'a'))
    await budget.sent(call)
    await expect(budget.release(call, 'too late')).rejects.toMatchObject({ code: 'CALL_STATE' })
    expect(period(budget, TODAY).held).toBe(cents(50))
  })

  it('that nobody sends within 30 seconds is released, even if it is the sending that comes late', async () => {
    const { budget, clock } = await openBench()
    const slow = await reserved(budget, callOf(50, 'a'))
    clock.ms += 29_999
    const other = await reserved(budget, callOf(50, 'b'))
    clock.ms += 1
    await expect(budget.sent(slow)).rejects.toMatchObject({ code: 'CALL_STATE' })
    await budget.sent(other)
    expect(await budget.call(slow)).toMatchObject({ state: 'released' })
    expect((await budget.reserve(callOf(50, 'c'))).status).toBe('reserved')
  })
})

describe("a thread's cap", () => {
  it('limits the thread, not the day, and counts only what belongs to it', async () => {
    const { budget, account } = await openBench()
    const capped = threadOf()
    const cap = { amount: String(cents(50)), shares: [{ account, amount: String(cents(30)) }] }
    await budget.openThread(capped, cap)
    await budget.openThread(capped, {
      ...cap,
      amount: String(cents(90)),
      shares: [{ account, amount: String(cents(90)) }],
    })
    expect((await budget.reserve(callOf(20, 'a', { thread: capped }))).status).toBe('reserved')
    const refusal = refusalOf(await budget.reserve(callOf(20, 'b', { thread: capped })))
    expect(refusal).toMatchObject({ by: 'thread', period: `t:${capped}`, limit: cents(30), available: cents(10) })
    expect(refusal.reason).toContain("this node's share of the cap of thread")
    expect((await budget.reserve(callOf(20, 'c'))).status).toBe('reserved')
    expect(period(budget, `t:${capped}`)).toMatchObject({ kind: 'thread', initial: cents(30), held: cents(20) })
  })

  it('leaves nothing to an account that it does not name', async () => {
    const { budget } = await openBench()
    await budget.openThread(threadOf(), { amount: String(cents(50)), shares: [] })
    expect(await budget.reserve(callOf(1, 'a', { thread: threadOf() }))).toMatchObject({
      status: 'refused',
      by: 'thread',
      limit: 0n,
    })
  })

  it('binds nobody when its shares exceed it', async () => {
    const { budget, account } = await openBench()
    const cap = { amount: '10', shares: [{ account, amount: '11' }] }
    await expect(budget.openThread(threadOf(), cap)).rejects.toMatchObject({ code: 'BAD_SHARES' })
  })

  it('is not needed: a thread without one is bounded by day and month alone', async () => {
    const { budget } = await openBench()
    await budget.openThread(threadOf(), undefined)
    expect((await budget.reserve(callOf(100, 'a', { thread: threadOf() }))).status).toBe('reserved')
    expect(budget.report().periods.map((line) => line.kind)).toEqual(['day', 'month'])
  })
})

describe('what is asked about the past', () => {
  it('comes from the ledger: the calls of a turn in order, with their replies', async () => {
    const bench = await openBench()
    for (const [step, attempt] of [
      [1, 0],
      [0, 1],
      [0, 0],
    ] as const) {
      const call = await reserved(bench.budget, callOf(5, 'turn', { step, attempt }))
      await bench.budget.sent(call)
      await bench.budget.settle(call, answer(1, `reply ${step}.${attempt}`))
    }
    await bench.reopen()
    const calls = await bench.budget.callsOf(callOf(5, 'turn').turn)
    expect(calls.map(({ reply }) => reply)).toEqual(['reply 0.0', 'reply 0.1', 'reply 1.0'])
    expect(calls[0]).toMatchObject({ reservedMs: NOON, periods: [TODAY, 'm:2026-11'], usage: { output: 1 } })
    expect(await bench.budget.callsOf(callOf(5, 'another').turn)).toEqual([])
    const ids = calls.map(({ id }) => id).toSorted()
    const [first = ''] = ids
    expect(await bench.budget.callsNamed('', 10)).toEqual(ids)
    expect(await bench.budget.callsNamed('', 2)).toEqual(ids.slice(0, 2))
    expect(await bench.budget.callsNamed(first.slice(0, 12), 10)).toEqual([first])
    expect(await bench.budget.callsNamed(first, 10)).toEqual([first])
    const ofStep = async (step: number) =>
      (await bench.budget.callsOf(callOf(5, 'turn').turn, step)).map((call) => call.reply)
    expect([await ofStep(0), await ofStep(1), await ofStep(2)]).toEqual([['reply 0.0', 'reply 0.1'], ['reply 1.0'], []])
  })

  it('sums up a day by agent, model and thread, dearest first', async () => {
    const { budget } = await openBench()
    const cheap = await reserved(budget, callOf(10, 'a', { agent: 'reviewer', thread: threadOf() }))
    await budget.sent(cheap)
    await budget.settle(cheap, answer(4))
    await reserved(budget, callOf(30, 'b', { inputTokens: 7 }))
    const gone = await reserved(budget, callOf(30, 'c'))
    await budget.release(gone, 'cancelled')
    const { byAgent, byModel, byThread } = await budget.breakdown(TODAY as never)
    expect(
      byAgent.map(({ name, spent, held, calls, outputTokens }) => [name, spent, held, calls, outputTokens]),
    ).toEqual([
      ['architect', 0n, cents(30) + 1n, 1, 0],
      ['reviewer', cents(4), 0n, 1, 4],
    ])
    expect(byModel).toMatchObject([{ name: 'coin', calls: 2, simulated: false }])
    expect(byThread.map(({ name }) => name)).toEqual(['-', threadOf()])
    expect((await budget.breakdown('d:2026-11-21' as never)).byAgent).toEqual([])
  })

  it('tell what was charged at its bound for want of evidence', async () => {
    const bench = await openBench()
    for (const [name, outcome] of [
      ['told', { usage: usage(4) }],
      ['untold', { usage: null }],
      ['unclear', { usage: null, unclear: 'total_tokens is 7' }],
    ] as const) {
      const call = await reserved(bench.budget, callOf(10, name))
      await bench.budget.sent(call)
      await bench.budget.settle(call, { ...outcome, reply: '{}', providerRequestId: null })
    }
    const { byModel } = await (await bench.reopen()).breakdown(TODAY as never)
    expect(byModel).toMatchObject([{ name: 'coin', calls: 3, spent: cents(24), unproven: cents(20), outputTokens: 4 }])
  })
})

async function keyCount(room: { keys(): AsyncIterable<string> }): Promise<number> {
  let count = 0
  for await (const _ of room.keys()) count += 1
  return count
}

function threadOf() {
  return thread(7)
}

function stranger() {
  const { peer } = signerNamed('stranger')
  const account = { peer, incarnation: 'ab'.repeat(16) as never }
  return { member: { peer, label: 'stranger', role: 'node' as const, addrs: [] }, account, weight: 1 }
}
