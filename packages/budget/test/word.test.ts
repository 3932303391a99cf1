import { callIdOf } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { verifyLedger } from '../src/ledger/verify.ts'
import { parseUsd } from '../src/usd.ts'
import { answer, callOf, openBench, period, reserved, usage } from './bench.ts'

const TODAY = 'd:2026-11-22'
const cents = (amount: number) => parseUsd(`${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, '0')}`)

/** A call whose outcome is lost, held at 50 cents. */
async function lost() {
  const bench = await openBench()
  const call = await reserved(bench.budget, callOf(50, 'a'))
  await bench.budget.sent(call)
  await bench.budget.lose(call, 'the stream ended without usage', 'req-7')
  return { ...bench, call }
}

describe("an operator's word", () => {
  it.each([
    [20, 'what it cost'],
    [0, 'nothing, when it was not billed'],
  ])('books %i cents for an uncertain call: %s', async (amount) => {
    const { budget, call, room, manifest } = await lost()
    expect(await budget.settleByWord(call, cents(amount))).toMatchObject({
      status: 'settled',
      call: { state: 'uncertain', max: cents(50), providerRequestId: 'req-7' },
    })
    expect(period(budget, TODAY)).toMatchObject({ spent: cents(amount), held: 0n })
    expect(await budget.call(call)).toMatchObject({
      state: 'settled',
      evidence: 'operator',
      providerRequestId: 'req-7',
    })
    expect(await budget.uncertainCalls(10)).toEqual([])
    await budget.close()
    expect(await verifyLedger(room, manifest.mesh)).toMatchObject({ uncertain: 0 })
  })

  it('said twice is booked once, and another one later changes nothing', async () => {
    const { budget, call } = await lost()
    const both = await Promise.all([budget.settleByWord(call, cents(20)), budget.settleByWord(call, cents(20))])
    expect(both.map(({ status }) => status)).toEqual(['settled', 'repeated'])
    expect(await budget.settleByWord(call, cents(10))).toMatchObject({
      status: 'refused',
      code: 'settled',
      reason: expect.stringContaining("settled at $0.20 by an operator's word: that is final"),
    })
    expect(await budget.settle(call, answer(30))).toMatchObject({ actual: cents(20) })
    expect(period(budget, TODAY)).toMatchObject({ spent: cents(20), held: 0n })
  })

  it('is taken for what is uncertain alone', async () => {
    const { budget } = await openBench()
    const reservedOnly = await reserved(budget, callOf(10, 'reserved'))
    const sent = await reserved(budget, callOf(10, 'sent'))
    await budget.sent(sent)
    const settled = await reserved(budget, callOf(10, 'settled'))
    await budget.sent(settled)
    await budget.settle(settled, { usage: usage(5), reply: '', providerRequestId: null })
    const released = await reserved(budget, callOf(10, 'released'))
    await budget.release(released, 'cancelled')
    const unknown = callIdOf(callOf(1, 'never').turn, 0, 0)
    const before = budget.report()
    const words = [reservedOnly, sent, settled, released, unknown].map((call) => budget.settleByWord(call, cents(1)))
    expect(await Promise.all(words)).toMatchObject(
      ['in-flight', 'in-flight', 'settled', 'released', 'unknown'].map((code) => ({ status: 'refused', code })),
    )
    expect(budget.report()).toEqual(before)
  })

  it('above the bound is an overrun like any other, and above a million dollars a slip of the pen', async () => {
    const { budget, call } = await lost()
    await expect(budget.settleByWord(call, parseUsd('1000001'))).rejects.toMatchObject({ code: 'BAD_AMOUNT' })
    await budget.settleByWord(call, cents(90))
    expect(period(budget, TODAY)).toMatchObject({ spent: cents(90), overrun: cents(40) })
    expect(budget.report().frozenModels).toMatchObject([{ model: 'coin', billed: cents(90) }])
  })

  it('lets a call go on that waits for what was held', async () => {
    const { budget, call } = await lost()
    const waiting = budget.reserve(callOf(80, 'b'))
    expect(await waiting).toMatchObject({ status: 'refused', held: cents(50) })
    await budget.settleByWord(call, cents(1))
    expect(await budget.reserve(callOf(80, 'b'))).toMatchObject({ status: 'reserved' })
  })
})

describe('uncertain calls', () => {
  it('are those of this run and of earlier ones, each with the name that the provider gave it', async () => {
    const bench = await lost()
    await bench.budget.sent(await reserved(bench.budget, callOf(10, 'in flight')))
    expect(await bench.budget.uncertainCalls(10)).toHaveLength(1)
    const budget = await bench.afterCrash()
    const found = await budget.uncertainCalls(10)
    const names = found.map(({ providerRequestId, max }) => [providerRequestId, max])
    expect(names.toSorted()).toEqual(
      [
        ['req-7', cents(50)],
        [null, cents(10)],
      ].toSorted(),
    )
    expect(await budget.uncertainCalls(1)).toHaveLength(1)
  })
})
