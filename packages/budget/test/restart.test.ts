import { describe, expect, it } from 'vitest'
import type { Budget } from '../src/budget.ts'
import { verifyLedger } from '../src/ledger/verify.ts'
import { parseUsd } from '../src/usd.ts'
import { answer, callOf, openBench, period, reserved } from './bench.ts'

const HELD = parseUsd('0.50')
const request = callOf(50, 'a')

async function expectUncertain(budget: Budget): Promise<void> {
  expect(await budget.reserve(request)).toMatchObject({ status: 'known', call: { state: 'uncertain', actual: null } })
  expect(period(budget, 'd:2026-11-22')).toMatchObject({ spent: 0n, held: HELD, available: HELD })
}

describe('after a power cut', () => {
  it('before anything was reserved, nothing is charged', async () => {
    const bench = await openBench()
    const budget = await bench.afterCrash()
    expect(period(budget, 'd:2026-11-22')).toMatchObject({ spent: 0n, held: 0n })
    expect((await budget.reserve(request)).status).toBe('reserved')
  })

  it('a reserved call is uncertain at its whole hold, and may not be sent', async () => {
    const bench = await openBench()
    const call = await reserved(bench.budget, request)
    const budget = await bench.afterCrash()
    await expectUncertain(budget)
    await expect(budget.sent(call)).rejects.toMatchObject({ code: 'CALL_STATE' })
    expect(bench.facts.at(-1)).toEqual({ type: 'recovered', calls: 1 })
  })

  it('a sent call is uncertain at its whole hold, and cannot be released', async () => {
    const bench = await openBench()
    const call = await reserved(bench.budget, request)
    await bench.budget.sent(call)
    const budget = await bench.afterCrash()
    await expectUncertain(budget)
    await expect(budget.release(call, 'please')).rejects.toMatchObject({ code: 'CALL_STATE' })
  })

  it('a settled call is settled, and its reply is there', async () => {
    const bench = await openBench()
    const call = await reserved(bench.budget, request)
    await bench.budget.sent(call)
    await bench.budget.settle(call, answer(20, 'paid for'))
    const budget = await bench.afterCrash()
    expect(await budget.reserve(request)).toMatchObject({
      status: 'known',
      call: { state: 'settled', reply: 'paid for' },
    })
    expect(period(budget, 'd:2026-11-22')).toMatchObject({ spent: parseUsd('0.20'), held: 0n })
  })

  it('a released call is released, and a lost one uncertain', async () => {
    const bench = await openBench()
    await bench.budget.release(await reserved(bench.budget, request), 'cancelled')
    const lost = await reserved(bench.budget, callOf(10, 'b'))
    await bench.budget.lose(lost, 'time-out')
    const budget = await bench.afterCrash()
    expect(await budget.reserve(request)).toMatchObject({ status: 'known', call: { state: 'released' } })
    expect(await budget.call(lost)).toMatchObject({ state: 'uncertain', max: parseUsd('0.10') })
    expect(period(budget, 'd:2026-11-22').held).toBe(parseUsd('0.10'))
  })

  it('in the middle of a reservation, either all its periods were charged or none', async () => {
    const bench = await openBench({ perAgentDaily: parseUsd('1') })
    const pending = bench.budget.reserve(request)
    const budget = await bench.afterCrash()
    const charges = ['d:2026-11-22', 'm:2026-11'].map((label) => period(budget, label).held)
    expect(new Set(charges).size).toBe(1)
    await pending
  })

  it('evidence still settles what was uncertain', async () => {
    const bench = await openBench()
    const call = await reserved(bench.budget, request)
    await bench.budget.sent(call)
    const budget = await bench.afterCrash()
    expect(await budget.settle(call, answer(20))).toMatchObject({ state: 'settled', actual: parseUsd('0.20') })
    expect(period(budget, 'd:2026-11-22')).toMatchObject({ spent: parseUsd('0.20'), held: 0n })
  })
})

describe('the ledger', () => {
  it('adds up to what is kept beside it, before and after openings', async () => {
    const bench = await openBench({ perAgentDaily: parseUsd('1') })
    const call = await reserved(bench.budget, request)
    await bench.budget.sent(call)
    await bench.budget.settle(call, answer(60))
    await reserved(bench.budget, callOf(10, 'b', { model: 'home' }))
    expect(await verifyLedger(bench.room)).toEqual({
      incarnation: bench.account.incarnation,
      records: 10,
      unsettled: 1,
      uncertain: 0,
    })
    await bench.reopen()
    expect(await verifyLedger(bench.room)).toMatchObject({ records: 12, unsettled: 0, uncertain: 1 })
    expect(bench.budget.account).toEqual(bench.account)
  })

  it.each([
    ['changed', (bytes: Uint8Array) => bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1)],
    ['cut off', (bytes: Uint8Array) => bytes.subarray(0, -1)],
    ['missing', () => undefined],
  ])('with a record %s is not believed', async (_, tamper) => {
    const { budget, room, reopen } = await openBench()
    await reserved(budget, request)
    const key = `l/${'4'.padStart(16, '0')}`
    const value = tamper((await room.get(key)) ?? new Uint8Array())
    await room.write([value === undefined ? { del: key } : { put: key, value }])
    await expect(verifyLedger(room)).rejects.toMatchObject({ code: 'LEDGER_BROKEN' })
    await expect(reopen()).rejects.toMatchObject({ code: 'LEDGER_BROKEN' })
  })

  it('is not believed when what is kept beside it says otherwise', async () => {
    const { budget, room } = await openBench()
    await reserved(budget, request)
    const other = await room.get('p/m:2026-11')
    await room.write([{ put: 'p/d:2026-11-22', value: other ?? new Uint8Array() }])
    await expect(verifyLedger(room)).rejects.toThrow('p/d:2026-11-22')
  })
})
