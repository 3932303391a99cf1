import type { Period } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { chargedPeriods, endOf, skipsPeriod } from '../src/periods/charged.ts'
import { parseUsd } from '../src/usd.ts'
import { answer, callOf, openBench, period, refusalOf, reserved, SKEW_MS } from './bench.ts'

const at = (text: string) => Date.parse(text)
const days = (text: string, last?: string) =>
  chargedPeriods('day', { nowMs: at(text), skewMs: SKEW_MS }, last as Period | undefined)
const months = (text: string, last?: string) =>
  chargedPeriods('month', { nowMs: at(text), skewMs: SKEW_MS }, last as Period | undefined)

describe('the periods that a call is charged to', () => {
  it('are its own day and month, away from the edges', () => {
    expect(days('2026-11-22T12:00:00Z')).toEqual(['d:2026-11-22'])
    expect(months('2026-11-22T12:00:00Z')).toEqual(['m:2026-11'])
  })

  it('are both sides of midnight within the skew of the clocks, its own first', () => {
    expect(days('2026-11-22T23:58:59.999Z')).toEqual(['d:2026-11-22'])
    expect(days('2026-11-22T23:59:00Z')).toEqual(['d:2026-11-22', 'd:2026-11-23'])
    expect(days('2026-11-23T00:00:59.999Z')).toEqual(['d:2026-11-23', 'd:2026-11-22'])
    expect(days('2026-11-23T00:01:00Z')).toEqual(['d:2026-11-23'])
  })

  it('are two days and two months at the edge of a month and of a year', () => {
    expect(days('2026-12-31T23:59:30Z')).toEqual(['d:2026-12-31', 'd:2027-01-01'])
    expect(months('2026-12-31T23:59:30Z')).toEqual(['m:2026-12', 'm:2027-01'])
  })

  it('know the leap day', () => {
    expect(days('2028-02-28T23:59:30Z')).toEqual(['d:2028-02-28', 'd:2028-02-29'])
    expect(months('2028-02-28T23:59:30Z')).toEqual(['m:2028-02'])
    expect(new Date(endOf('d:2028-02-28' as Period)).toISOString()).toBe('2028-02-29T00:00:00.000Z')
    expect(new Date(endOf('m:2028-02' as Period)).toISOString()).toBe('2028-03-01T00:00:00.000Z')
  })

  it('are the last opened one when the clock is set back, and no earlier one', () => {
    expect(days('2026-11-20T12:00:00Z', 'd:2026-11-23')).toEqual(['d:2026-11-23'])
    expect(months('2026-10-31T12:00:00Z', 'm:2026-11')).toEqual(['m:2026-11'])
  })

  it('may be the next one, but none after it without another clock', () => {
    const last = 'd:2026-11-20' as Period
    expect(skipsPeriod('day', at('2026-11-21T23:59:59Z'), last)).toBe(false)
    expect(skipsPeriod('day', at('2026-11-22T00:00:00Z'), last)).toBe(true)
    expect(skipsPeriod('day', at('2030-01-01T00:00:00Z'), undefined)).toBe(false)
    expect(skipsPeriod('month', at('2027-01-31T23:59:59Z'), 'm:2026-12' as Period)).toBe(false)
  })
})

describe('a budget over time', () => {
  it('charges both days and both months in the guard band, and lists the cost under one', async () => {
    const { budget, clock } = await openBench({ now: () => at('2026-11-30T12:00:00Z') })
    clock.ms = at('2026-11-30T23:59:30Z')
    const call = await reserved(budget, callOf(30, 'a'))
    await budget.sent(call)
    clock.ms += SKEW_MS
    await budget.settle(call, answer(10))
    for (const label of ['d:2026-11-30', 'd:2026-12-01', 'm:2026-11', 'm:2026-12']) {
      expect(period(budget, label)).toMatchObject({ spent: parseUsd('0.10'), held: 0n })
    }
    expect((await budget.breakdown('d:2026-11-30' as Period)).byModel).toMatchObject([{ spent: parseUsd('0.10') }])
    expect((await budget.breakdown('d:2026-12-01' as Period)).byModel).toEqual([])
  })

  it('gives each day its rights anew, and books a late settlement where it was reserved', async () => {
    const { budget, clock } = await openBench()
    const call = await reserved(budget, callOf(100, 'a'))
    await budget.sent(call)
    clock.ms = at('2026-11-23T12:00:00Z')
    expect((await budget.reserve(callOf(100, 'b'))).status).toBe('reserved')
    await budget.settle(call, answer(40))
    expect(period(budget, 'd:2026-11-23')).toMatchObject({ spent: 0n, held: parseUsd('1') })
    expect(period(budget, 'm:2026-11')).toMatchObject({ spent: parseUsd('0.40'), held: parseUsd('1') })
    expect((await budget.slots()).map((slot) => slot.period)).toContain('d:2026-11-22')
  })

  it('opens a period with the rights of the manifest, once', async () => {
    const bench = await openBench()
    await reserved(bench.budget, callOf(10, 'a'))
    await bench.reopen()
    await reserved(bench.budget, callOf(10, 'b'))
    const opened = bench.facts.filter(({ type }) => type === 'opened')
    expect(opened).toEqual([
      { type: 'opened', period: 'd:2026-11-22', initial: parseUsd('1') },
      { type: 'opened', period: 'm:2026-11', initial: parseUsd('10') },
    ])
  })

  it('does not give rights again when the clock is set back', async () => {
    const { budget, clock } = await openBench()
    await reserved(budget, callOf(100, 'a'))
    clock.ms = at('2026-11-23T12:00:00Z')
    await reserved(budget, callOf(60, 'b'))
    clock.ms = at('2026-11-22T12:00:00Z')
    expect(await budget.reserve(callOf(60, 'c'))).toMatchObject({
      status: 'refused',
      by: 'day',
      period: 'd:2026-11-23',
    })
    expect((await budget.reserve(callOf(40, 'd'))).status).toBe('reserved')
    expect(period(budget, 'd:2026-11-23').held).toBe(parseUsd('1'))
  })

  it("charges the agent's day that goes with the call's day", async () => {
    const { budget, clock } = await openBench({ perAgentDaily: parseUsd('0.50') })
    clock.ms = at('2026-11-22T23:59:59Z')
    await reserved(budget, callOf(30, 'a'))
    clock.ms = at('2026-11-23T00:00:00Z')
    await reserved(budget, callOf(50, 'b'))
    expect(period(budget, 'a:architect:2026-11-22').held).toBe(parseUsd('0.30'))
    expect(period(budget, 'a:architect:2026-11-23').held).toBe(parseUsd('0.50'))
  })

  it('waits after a jump of more than a day until another clock agrees, and says why', async () => {
    const { budget, clock, facts } = await openBench({}, {}, ['ironwood'])
    await reserved(budget, callOf(10, 'a'))
    clock.ms = at('2026-11-25T08:00:00Z')
    const refusal = refusalOf(await budget.reserve(callOf(10, 'b')))
    expect(refusal).toMatchObject({ by: 'day', period: 'd:2026-11-22' })
    expect(refusal.reason).toContain('clock says 2026-11-25T08:00 UTC, more than one period after 2026-11-22')
    budget.witnessTime(at('2026-11-22T08:00:00Z'))
    expect(facts.at(-1)).toEqual({ type: 'clock-disagrees', differenceMs: -3 * 86_400_000 })
    expect((await budget.reserve(callOf(10, 'b'))).status).toBe('refused')
    expect([budget.clockDoubt(), budget.report().standstill]).toEqual([refusal.reason, refusal.reason])
    budget.witnessTime(clock.ms - SKEW_MS)
    expect([budget.clockDoubt(), budget.report().standstill]).toEqual([undefined, undefined])
    expect((await budget.reserve(callOf(10, 'b'))).status).toBe('reserved')
  })

  it('goes on after a weekend without anybody to ask, when it is the whole mesh', async () => {
    const { budget, clock } = await openBench()
    await reserved(budget, callOf(10, 'a'))
    clock.ms = at('2026-11-25T08:00:00Z')
    expect((await budget.reserve(callOf(100, 'b'))).status).toBe('reserved')
  })

  it('takes no wrong clock for the truth when it is the whole mesh, and goes on once it is put right', async () => {
    const { budget, clock } = await openBench()
    await reserved(budget, callOf(10, 'a'))
    clock.ms = at('2031-01-01T12:00:00Z')
    const refusal = refusalOf(await budget.reserve(callOf(10, 'b')))
    expect(refusal).toMatchObject({ by: 'day', period: 'd:2026-11-22' })
    expect(refusal.reason).toContain('clock says 2031-01-01T12:00 UTC, more than 45 days after 2026-11-22')
    expect(refusal.reason).toContain('set the clock right')
    clock.ms = at('2026-11-23T12:00:00Z')
    expect((await budget.reserve(callOf(100, 'b'))).status).toBe('reserved')
    expect(period(budget, 'd:2026-11-23').held).toBe(parseUsd('1'))
  })

  it('goes on after a month off when it is the whole mesh, after 45 days too, and not after 46', async () => {
    for (const [day, status] of [
      ['2026-12-23', 'reserved'],
      ['2027-01-06', 'reserved'],
      ['2027-01-07', 'refused'],
    ] as const) {
      const { budget, clock } = await openBench()
      await reserved(budget, callOf(10, 'a'))
      clock.ms = at(`${day}T12:00:00Z`)
      expect((await budget.reserve(callOf(10, 'b'))).status).toBe(status)
    }
  })

  it('goes on after a year off once another clock agrees, when it is the whole mesh', async () => {
    const { budget, clock } = await openBench()
    await reserved(budget, callOf(10, 'a'))
    clock.ms = at('2027-11-22T12:00:00Z')
    expect((await budget.reserve(callOf(10, 'b'))).status).toBe('refused')
    budget.witnessTime(clock.ms)
    expect((await budget.reserve(callOf(10, 'b'))).status).toBe('reserved')
  })

  it.each([['2031-01-01T12:00:00Z'], ['1970-01-01T12:00:00Z']])(
    'opens nothing at all at %s, far from the date of its manifest, until another clock agrees',
    async (wrong) => {
      const { budget, clock } = await openBench()
      clock.ms = at(wrong)
      const refusal = refusalOf(await budget.reserve(callOf(10, 'a')))
      expect(refusal).toMatchObject({ by: 'day', period: null })
      expect(refusal.reason).toContain('more than 400 days from 2026-11-22')
      budget.witnessTime(clock.ms)
      expect(await budget.reserve(callOf(10, 'a'))).not.toMatchObject({ reason: expect.stringContaining('clock') })
    },
  )

  it('refuses while its clock is a year ahead, in a mesh of several, and goes on once it is right again', async () => {
    const { budget, clock } = await openBench({}, {}, ['ironwood'])
    await reserved(budget, callOf(10, 'a'))
    clock.ms = at('2027-11-22T12:00:00Z')
    for (let again = 0; again < 3; again++) {
      const refusal = refusalOf(await budget.reserve(callOf(10, 'b')))
      expect(refusal.reason).toContain('clock says 2027-11-22T12:00 UTC')
    }
    clock.ms = at('2026-11-22T12:00:30Z')
    await reserved(budget, callOf(90, 'b'))
    clock.ms = at('2026-11-23T12:00:00Z')
    await reserved(budget, callOf(100, 'c'))
  })

  it('charges the day that a clock one day ahead has opened until it has come, says so, and goes on as ever then', async () => {
    const { budget, clock } = await openBench({}, {}, ['ironwood'])
    await reserved(budget, callOf(10, 'a'))
    clock.ms = at('2026-11-23T12:00:00Z')
    await reserved(budget, callOf(60, 'b'))
    clock.ms = at('2026-11-22T13:00:00Z')
    await reserved(budget, callOf(40, 'c'))
    const refusal = refusalOf(await budget.reserve(callOf(10, 'd')))
    expect(refusal).toMatchObject({ by: 'day', period: 'd:2026-11-23' })
    expect(refusal.reason).toContain('2026-11-23 has not come yet: a wrong clock opened it')
    expect(refusal.reason).toContain('bzzz budget new-ledger')
    clock.ms = at('2026-11-24T12:00:00Z')
    await reserved(budget, callOf(100, 'e'))
  })

  it('doubts a clock that is set back behind what it has opened, and none that is a little behind', async () => {
    const { budget, clock } = await openBench({}, {}, ['ironwood'])
    expect(budget.clockDoubt()).toBeUndefined()
    clock.ms = at('2026-11-22T00:01:30Z')
    await reserved(budget, callOf(10, 'a'))
    clock.ms -= 3 * SKEW_MS
    expect(budget.clockDoubt()).toBeUndefined()
    clock.ms = at('2026-11-20T12:00:00Z')
    expect(budget.clockDoubt()).toContain('clock says 2026-11-20T12:00 UTC, and it has opened 2026-11-22 already')
  })

  it('doubts a clock that is set back behind a time on which another agreed, before it has opened anything', async () => {
    const { budget, clock } = await openBench({}, {}, ['ironwood'])
    budget.witnessTime(clock.ms)
    clock.ms -= 2 * SKEW_MS
    expect(budget.clockDoubt()).toBeUndefined()
    clock.ms -= 2 * SKEW_MS
    expect(budget.clockDoubt()).toContain('and another one agreed on 2026-11-22T12:00 UTC already')
    clock.ms -= 1_500 * 86_400_000
    expect(refusalOf(await budget.reserve(callOf(10, 'a')))).toMatchObject({ by: 'day' })
  })

  it('opens freely a year after its manifest', async () => {
    const { budget, clock } = await openBench()
    clock.ms = at('2027-11-22T12:00:00Z')
    expect((await budget.reserve(callOf(10, 'a'))).status).toBe('reserved')
  })
})
