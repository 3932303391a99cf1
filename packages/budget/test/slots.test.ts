import { accountKey, openSlot, type Period, type Slot, slotHash, slotKey } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { splitCap } from '../src/shares.ts'
import { sumSlots } from '../src/slots/sum.ts'
import { parseUsd } from '../src/usd.ts'
import { answer, callOf, manifestFor, openBench, reserved, signer, signerNamed, thread } from './bench.ts'

const DAY = 'd:2026-11-22' as Period

describe('the slots of a node', () => {
  it('tell what it charged to each period that is shared, signed and under its own key', async () => {
    const { budget, slot, account, manifest } = await openBench({ perAgentDaily: parseUsd('1') })
    const call = await reserved(budget, callOf(50, 'a'))
    await budget.sent(call)
    await budget.settle(call, answer(20))
    expect((await budget.slots()).map(({ period }) => period)).toEqual([DAY, 'm:2026-11'])
    expect((await budget.slots())[0]?.key).toEqual(slotKey(manifest.mesh, DAY, account))
    expect(await slot(DAY)).toMatchObject({
      account,
      initial: parseUsd('1'),
      reserved: parseUsd('0.5'),
      released: parseUsd('0.3'),
      overrun: 0n,
    })
  })

  it('number all that the account signs, chain what follows, and go on above after a restart', async () => {
    const bench = await openBench()
    const seen: Slot[] = []
    for (const name of ['a', 'b', 'c']) {
      await reserved(bench.budget, callOf(5, name))
      const [day, month] = [await bench.slot(DAY), await bench.slot('m:2026-11')]
      if (day === undefined || month === undefined) throw new Error('no slots')
      seen.push(day, month)
      const bytes = (await bench.budget.slots()).find((slot) => slot.period === DAY)?.bytes ?? new Uint8Array()
      await bench.reopen()
      const { boot, seq, prevHash, ...same } = (await bench.slot(DAY)) ?? day
      expect({ ...day, ...same }).toEqual(day)
      expect(prevHash && Buffer.from(prevHash)).toEqual(slotHash(bytes))
      expect([boot.counter, seq]).toEqual([day.boot.counter + 1, month.seq + 1])
    }
    expect(seen.map(({ seq }) => seq)).toEqual([2, 3, 6, 7, 10, 11])
    expect(seen.map(({ boot }) => boot.counter)).toEqual([1, 1, 2, 2, 3, 3])
    const days = seen.filter(({ period }) => period === DAY)
    expect(days.map(({ prevHash }) => prevHash !== null)).toEqual([false, true, true])
    expect(days.map((slot) => slot.reserved)).toEqual([parseUsd('0.05'), parseUsd('0.10'), parseUsd('0.15')])
  })

  it('are closed when the account ends, though nothing has changed since they were sealed, and nothing is taken after that', async () => {
    const { budget, slot, manifest } = await openBench()
    await reserved(budget, callOf(5, 'a'))
    const open = await slot(DAY)
    const closed = (await budget.retire()).map(({ bytes }) => openSlot(bytes, manifest.mesh))
    expect(closed.map(({ period, state }) => [period, state])).toEqual([
      [DAY, 'closed'],
      ['m:2026-11', 'closed'],
    ])
    expect(closed[0]).toMatchObject({ reserved: open?.reserved, initial: open?.initial })
    expect(closed[0]?.seq).toBeGreaterThan(open?.seq ?? 0)
    await expect(budget.reserve(callOf(5, 'b'))).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('tell what was synced before them, and are sealed again only when something has changed', async () => {
    const { budget, slot } = await openBench()
    const heard: string[] = []
    const stop = budget.subscribe((period) => heard.push(period))
    const pending = budget.reserve(callOf(5, 'a'))
    expect(heard).toEqual([])
    await pending
    expect(heard).toEqual([DAY, 'm:2026-11'])
    expect(await slot(DAY)).toMatchObject({ seq: 2, reserved: parseUsd('0.05') })
    expect(await slot(DAY)).toMatchObject({ seq: 2 })
    expect(heard).toHaveLength(2)
    stop()
    await reserved(budget, callOf(5, 'b'))
    expect(heard).toHaveLength(2)
    expect(await slot(DAY)).toMatchObject({ seq: 4, reserved: parseUsd('0.10') })
  })

  it('include those of threads with a cap', async () => {
    const { budget, slot, account } = await openBench()
    await budget.openThread(thread(1), splitCap(parseUsd('1'), [{ account, weight: 1 }]))
    expect(await slot(`t:${thread(1)}`)).toMatchObject({ initial: parseUsd('1'), reserved: 0n })
  })
})

describe('the total of a period', () => {
  const accounts = ['walnut', 'ironwood', 'acacia'].map((name, index) => ({
    peer: signerNamed(name).peer,
    incarnation: String(index).repeat(32) as never,
  }))
  const [walnut, ironwood, acacia] = accounts
  if (walnut === undefined || ironwood === undefined || acacia === undefined) throw new Error('three accounts')
  const members = accounts.map((account, index) => {
    return { member: { peer: account.peer, label: `n${index}`, role: 'node' as const, addrs: [] }, account, weight: 1 }
  })
  const { manifest } = manifestFor(walnut, { members, limits: { day: parseUsd('9'), month: parseUsd('90') } })
  const slotOf = (account: typeof walnut, seq: number, reserved: string, more: Partial<Slot> = {}): Slot => ({
    ...{
      v: 1,
      period: DAY,
      account,
      boot: { counter: 1, nonce: '0'.repeat(32) as never },
      seq,
      manifestVersion: 1,
      prevHash: null,
    },
    ...{
      wallMs: 1_000 + seq,
      state: 'open',
      initial: parseUsd('3'),
      granted: [],
      received: [],
      reserved: parseUsd(reserved),
    },
    ...{ released: 0n as never, overrun: 0n as never },
    ...more,
  })

  it('is an interval: what the slots found say, and all the rights of those that are missing', () => {
    const total = sumSlots(manifest, DAY, [
      slotOf(walnut, 5, '1'),
      slotOf(ironwood, 3, '2', { released: parseUsd('0.50') }),
    ])
    expect(total).toMatchObject({
      low: parseUsd('2.50'),
      high: parseUsd('5.50'),
      limit: parseUsd('9'),
      found: 2,
      missing: [acacia],
      oldestMs: 1_003,
    })
    expect(total.byAccount.map(({ charged }) => charged)).toEqual([parseUsd('1'), parseUsd('1.50'), 0n])
  })

  it('closes when all slots are there, counts the newest of each, and no others', () => {
    const stranger = { peer: signerNamed('stranger').peer, incarnation: '9'.repeat(32) as never }
    const total = sumSlots(manifest, DAY, [
      ...[slotOf(walnut, 5, '1'), slotOf(walnut, 4, '0.5'), slotOf(ironwood, 1, '0'), slotOf(acacia, 1, '3')],
      ...[slotOf(stranger, 1, '3'), slotOf(acacia, 9, '1', { period: 'd:2026-11-21' as Period })],
    ])
    expect(total).toMatchObject({ low: parseUsd('4'), high: parseUsd('4'), missing: [], found: 3 })
  })

  it('is nothing certain when nothing was found', () => {
    expect(sumSlots(manifest, DAY, [])).toMatchObject({ low: 0n, high: parseUsd('9'), found: 0, oldestMs: null })
  })

  it('follows rights that moved, also to an account that the manifest gives nothing', () => {
    const boot = { counter: 1, nonce: '0'.repeat(32) as never }
    const newcomer = { peer: acacia.peer, incarnation: '8'.repeat(32) as never }
    const hash = (account: typeof walnut) => new Uint8Array(32).fill(accounts.indexOf(account) + 1)
    const gives = (account: typeof walnut, dollars: string) => {
      return { account, boot, cumulative: parseUsd(dollars), grant: hash(account) }
    }
    const total = sumSlots(manifest, DAY, [
      slotOf(walnut, 5, '1', { granted: [gives(ironwood, '1.50'), gives(newcomer, '0.25')] }),
      slotOf(ironwood, 3, '4', { received: [hash(ironwood)] }),
      slotOf(acacia, 3, '0'),
    ])
    expect(total).toMatchObject({ low: parseUsd('5'), high: parseUsd('5.25'), missing: [newcomer], found: 3 })
    expect(total.byAccount).toMatchObject([
      { account: walnut, granted: parseUsd('1.75'), received: 0n },
      { account: ironwood, granted: 0n, received: parseUsd('1.50') },
      { account: acacia },
      { account: newcomer, initial: 0n, received: parseUsd('0.25'), wallMs: null },
    ])
    const spent = sumSlots(manifest, DAY, [
      slotOf(walnut, 5, '1', { granted: [gives(newcomer, '0.25')] }),
      slotOf(newcomer, 1, '0.20', { initial: parseUsd('0'), received: [hash(newcomer)] }),
      ...[slotOf(ironwood, 3, '0'), slotOf(acacia, 3, '0')],
    ])
    expect(spent).toMatchObject({ low: parseUsd('1.20'), high: parseUsd('1.20'), missing: [] })
  })

  it('counts a grant on its way as possibly spent: the receiver may have taken it since its slot', () => {
    const boot = { counter: 1, nonce: '0'.repeat(32) as never }
    const granted = [{ account: ironwood, boot, cumulative: parseUsd('2'), grant: new Uint8Array(32).fill(5) }]
    const others = [slotOf(walnut, 5, '1', { granted }), slotOf(acacia, 3, '0')]
    const onItsWay = sumSlots(manifest, DAY, [...others, slotOf(ironwood, 3, '1')])
    expect(onItsWay).toMatchObject({ low: parseUsd('2'), high: parseUsd('4'), missing: [] })
    const arrived = sumSlots(manifest, DAY, [
      ...others,
      slotOf(ironwood, 4, '1', { received: [new Uint8Array(32).fill(5)] }),
    ])
    expect(arrived).toMatchObject({ low: parseUsd('2'), high: parseUsd('2'), missing: [] })
  })

  it('counts the mints of this period, and of this one alone', () => {
    const mint = { id: '4'.repeat(32) as never, account: walnut, amount: parseUsd('5') }
    const mints = [
      { ...mint, period: DAY },
      { ...mint, id: '5'.repeat(32) as never, period: 'd:2026-11-23' as Period },
    ]
    const limits = manifest.limits.map((limit) => (limit.dim === 'day' ? { ...limit, amount: parseUsd('14') } : limit))
    const raised = { ...manifest, limits, mints }
    expect(sumSlots(raised, DAY, [slotOf(ironwood, 1, '1')])).toMatchObject({
      low: parseUsd('1'),
      high: parseUsd('12'),
      limit: parseUsd('14'),
    })
    expect(sumSlots(raised, DAY, [slotOf(ironwood, 1, '1')]).byAccount[0]).toMatchObject({ minted: parseUsd('5') })
  })

  it('counts an account that is gone, frozen or in use twice as spent, and one that left by its last word', () => {
    const closed = [{ account: acacia, fromDay: 'd:2026-11-23', fromMonth: 'm:2026-12', attestedBy: walnut.peer }]
    const slots = (more: Partial<Slot> = {}) => [
      slotOf(walnut, 1, '1'),
      slotOf(ironwood, 1, '0'),
      slotOf(acacia, 1, '0.5', more),
    ]
    const spent = { low: parseUsd('1.50'), high: parseUsd('4') }
    expect(sumSlots({ ...manifest, closed: closed as never }, DAY, slots())).toMatchObject(spent)
    expect(sumSlots(manifest, DAY, slots({ state: 'frozen' }))).toMatchObject(spent)
    expect(sumSlots(manifest, DAY, slots(), { forked: new Set([accountKey(acacia)]) })).toMatchObject(spent)
    const left = sumSlots({ ...manifest, closed: closed as never }, DAY, slots({ state: 'closed' }))
    expect(left).toMatchObject({ low: parseUsd('1.50'), high: parseUsd('1.50') })
  })

  it('tells what was lost with accounts that ended, and what the others may still charge', () => {
    const closed = [{ account: acacia, fromDay: 'd:2026-11-23', fromMonth: 'm:2026-12', attestedBy: walnut.peer }]
    const given = { ...manifest, closed: closed as never }
    const others = [slotOf(walnut, 1, '1'), slotOf(ironwood, 1, '4')]
    const ended = { lost: parseUsd('2.50'), left: parseUsd('2') }
    const slots = (more: Partial<Slot> = {}) => [...others, slotOf(acacia, 1, '0.5', more)]
    expect(sumSlots(given, DAY, slots())).toMatchObject(ended)
    expect(sumSlots(given, DAY, slots({ state: 'closed' }))).toMatchObject(ended)
    expect(sumSlots(manifest, DAY, slots(), { forked: new Set([accountKey(acacia)]) })).toMatchObject(ended)
    expect(sumSlots(given, DAY, others)).toMatchObject({ lost: parseUsd('3'), left: parseUsd('2') })
    expect(sumSlots(manifest, DAY, others)).toMatchObject({ lost: 0n, left: parseUsd('5') })
    expect(sumSlots(manifest, DAY, slots())).toMatchObject({ lost: 0n, left: parseUsd('4.50') })
  })

  it('leaves out an account from the period on in which its rights are given to others, whatever older versions gave it', () => {
    const closed = [{ account: acacia, fromDay: DAY, fromMonth: 'm:2026-12', attestedBy: walnut.peer }]
    const newest = { ...manifest, closed: closed as never }
    const others = [slotOf(walnut, 1, '1'), slotOf(ironwood, 1, '1')]
    const total = sumSlots(newest, DAY, others, { versions: [manifest] })
    expect(total.byAccount.map(({ account }) => account)).toEqual([walnut, ironwood])
    expect(total).toMatchObject({ low: parseUsd('2'), high: parseUsd('2'), missing: [] })
    const spentAnyway = sumSlots(newest, DAY, [...others, slotOf(acacia, 1, '1')], { versions: [manifest] })
    expect(spentAnyway).toMatchObject({ low: parseUsd('3'), found: 3 })
  })

  it('believes of an account without a slot that it opened with the most that any version gave it', () => {
    const allotments = manifest.allotments.map((entry) =>
      entry.dim === 'day' && entry.account.peer === acacia.peer ? { ...entry, amount: parseUsd('1') } : entry,
    )
    const lowered = {
      ...manifest,
      allotments,
      limits: manifest.limits.map((limit) => (limit.dim === 'day' ? { ...limit, amount: parseUsd('7') } : limit)),
    }
    const found = [slotOf(walnut, 1, '1'), slotOf(ironwood, 1, '1')]
    expect(sumSlots(lowered, DAY, found, { versions: [manifest] })).toMatchObject({ high: parseUsd('5') })
    expect(sumSlots(lowered, DAY, found)).toMatchObject({ high: parseUsd('3') })
  })

  it("of a thread goes by the cap's shares", () => {
    const cap = splitCap(
      parseUsd('1'),
      [walnut, ironwood].map((account) => ({ account, weight: 1 })),
    )
    const period = `t:${thread(1)}` as Period
    const total = sumSlots(manifest, period, [slotOf(walnut, 1, '0.2', { period, initial: parseUsd('0.5') })], { cap })
    expect(total).toMatchObject({
      low: parseUsd('0.2'),
      high: parseUsd('0.7'),
      limit: parseUsd('1'),
      missing: [ironwood],
    })
  })

  it('of the slots of a node is what the node reports', async () => {
    const bench = await openBench()
    await reserved(bench.budget, callOf(40, 'a'))
    const slots = (await bench.budget.slots()).map(({ bytes }) => openSlot(bytes, bench.manifest.mesh))
    expect(sumSlots(bench.manifest.manifest, DAY, slots)).toMatchObject({ low: parseUsd('0.4'), high: parseUsd('0.4') })
    expect(bench.account.peer).toBe(signer.peer)
  })
})
