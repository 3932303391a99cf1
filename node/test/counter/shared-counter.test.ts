import { parseUsd } from '@bzzz/budget'
import {
  type Incarnation,
  type NanoUsd,
  type OpenedManifest,
  type Period,
  ProtocolError,
  proveFork,
} from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CounterFact, openSharedCounter, type SharedCounter } from '../../src/counter/shared-counter.ts'
import {
  acacia,
  day,
  ironwood,
  manifestOfThree,
  month,
  NOW,
  recordMesh,
  slotBudget,
  slotOf,
  walnut,
} from './budget-and-mesh.ts'

const INTERVAL_MS = 2_000
const calm = new AbortController().signal

let manifest: OpenedManifest
let budget: ReturnType<typeof slotBudget>
let mesh: ReturnType<typeof recordMesh>
let facts: CounterFact[]
let counter: SharedCounter

beforeEach(async () => {
  manifest = await manifestOfThree()
  vi.useFakeTimers({ now: NOW })
  budget = slotBudget()
  mesh = recordMesh()
  facts = []
})

afterEach(async () => {
  await counter.close()
  vi.useRealTimers()
})

function open(): SharedCounter {
  counter = openSharedCounter({
    ...{ budget, mesh, manifest: () => manifest, now: Date.now, lookMs: 200 },
    observe: (fact) => facts.push(fact),
  })
  return counter
}

const spent = (dollars: string, period = day) => slotOf(manifest, walnut, period, dollars)
const published = () => mesh.puts.length

describe('publishing', () => {
  test('many changes within an interval are published once, as the last of them left the sum', async () => {
    open()
    for (const dollars of ['0.1', '0.2', '0.3']) budget.charge(spent(dollars))
    expect(published()).toBe(0)
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(published()).toBe(1)
    expect((await counter.total(day, { signal: calm })).low).toBe(parseUsd('0.3'))
  })

  test('each period that changed is published, and none that did not', async () => {
    budget.charge(spent('0.1', month))
    open()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    budget.charge(spent('0.2'))
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(facts).toEqual([
      { type: 'slot-published', period: month, acks: 2 },
      { type: 'slot-published', period: day, acks: 2 },
    ])
  })

  test('a day and its month are published at once, not one after the other', async () => {
    const begun: Uint8Array[] = []
    const { promise: forever, resolve } = Promise.withResolvers<number>()
    mesh.putRecord = (key) => {
      begun.push(key)
      return forever
    }
    open()
    for (const period of [day, month]) budget.charge(spent('0.1', period))
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(begun).toEqual([day, month].map((period) => spent('0.1', period).key))
    resolve(2)
  })

  test('what an earlier run spent is published without a change', async () => {
    budget.charge(spent('1.5'))
    open()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(published()).toBe(1)
  })

  test('with nothing to say, nothing is published', async () => {
    open()
    await vi.advanceTimersByTimeAsync(60 * INTERVAL_MS)
    expect(published()).toBe(0)
  })

  test('a peer that comes is told again', async () => {
    budget.charge(spent('0.1'))
    open()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    mesh.online()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(published()).toBe(2)
  })

  test('records are published again each hour', async () => {
    budget.charge(spent('0.1'))
    open()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    await vi.advanceTimersByTimeAsync(3_600_000)
    expect(published()).toBe(2)
  })

  test('a publish that fails is told, and made up for when a peer comes', async () => {
    mesh.reachable = false
    budget.charge(spent('0.1'))
    open()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(facts).toEqual([{ type: 'slot-not-published', period: day, error: new Error('nobody is reached') }])
    mesh.reachable = true
    mesh.online()
    await vi.advanceTimersByTimeAsync(INTERVAL_MS)
    expect(published()).toBe(1)
  })

  test('closing publishes what waits, and stops watching', async () => {
    open()
    budget.charge(spent('0.7'))
    await counter.close()
    expect(published()).toBe(1)
    expect([budget.listeners.size, mesh.listeners.size, vi.getTimerCount()]).toEqual([0, 0, 0])
  })
})

describe('the total', () => {
  test('is the sum of all accounts', async () => {
    budget.charge(spent('0.25'))
    for (const [account, dollars] of [
      [ironwood, '0.5'],
      [acacia, '1'],
    ] as const) {
      const { key, bytes } = slotOf(manifest, account, day, dollars)
      mesh.hold(key, bytes)
    }
    const total = await open().total(day, { signal: calm })
    expect(total).toMatchObject({ low: parseUsd('1.75'), high: parseUsd('1.75'), limit: parseUsd('9'), missing: [] })
  })

  test('counts an account without a sum as missing, and as able to have spent its whole part', async () => {
    budget.charge(spent('0.25'))
    const total = await open().total(day, { signal: calm })
    expect(total).toMatchObject({ low: parseUsd('0.25'), high: parseUsd('6.25'), missing: [ironwood, acacia] })
  })

  test('counts a sum that is not signed by its account as missing, and says whose it was', async () => {
    const forged = slotOf(manifest, acacia, day, '0')
    mesh.hold(slotOf(manifest, ironwood, day, '0').key, Buffer.concat([forged.bytes, Buffer.from([0])]))
    const total = await open().total(day, { signal: calm })
    expect(total.missing).toContainEqual(ironwood)
    expect(facts).toEqual([{ type: 'slot-unreadable', period: day, account: ironwood, error: expect.any(Error) }])
  })

  test('another account’s sum under this key does not count for it', async () => {
    mesh.hold(slotOf(manifest, ironwood, day, '0').key, slotOf(manifest, acacia, day, '2').bytes)
    const total = await open().total(day, { signal: calm })
    expect(total.missing).toContainEqual(ironwood)
  })

  test('is still told of this node alone when nobody is reached', async () => {
    budget.charge(spent('0.25'))
    mesh.reachable = false
    const total = await open().total(day, { signal: calm })
    expect(total).toMatchObject({ low: parseUsd('0.25'), missing: [ironwood, acacia] })
    expect(facts.map(({ type }) => type)).toEqual(['slot-unreadable', 'slot-unreadable'])
  })

  test('counts this node as having charged nothing to a day that it has not opened', async () => {
    const total = await open().total(day, { signal: calm })
    expect(total).toMatchObject({ low: 0n, high: parseUsd('6'), missing: [ironwood, acacia], found: 0 })
  })

  test('takes no missing sum of this node for nothing when the day is not the running one', async () => {
    const tomorrow = 'd:2026-11-23' as Period
    expect((await open().total(tomorrow, { signal: calm })).missing).toContainEqual(walnut)
  })

  test('finds an account that lives on grants by those who gave them', async () => {
    const newcomer = { ...acacia, incarnation: '7'.repeat(32) as Incarnation }
    const boot = { counter: 1, nonce: newcomer.incarnation }
    const grant = new Uint8Array(32).fill(3)
    const granted = [{ account: newcomer, boot, cumulative: parseUsd('1'), grant }]
    budget.charge(slotOf(manifest, walnut, day, '0', { granted }))
    for (const account of [ironwood, acacia]) {
      const { key, bytes } = slotOf(manifest, account, day, '0')
      mesh.hold(key, bytes)
    }
    const lives = slotOf(manifest, newcomer, day, '0.75', { initial: 0n as NanoUsd, received: [grant] })
    mesh.hold(lives.key, lives.bytes)
    const total = await open().total(day, { signal: calm })
    expect(total).toMatchObject({ low: parseUsd('0.75'), high: parseUsd('0.75'), missing: [] })
  })

  test('goes by the newest sum, whether the DHT brought it or a peer', async () => {
    mesh.hold(slotOf(manifest, ironwood, day, '1').key, slotOf(manifest, ironwood, day, '1', { seq: 5 }).bytes)
    open()
    counter.hear(slotOf(manifest, ironwood, day, '2', { seq: 6 }).bytes)
    counter.hear(slotOf(manifest, ironwood, day, '0.5', { seq: 4 }).bytes)
    expect((await counter.total(day, { signal: calm })).low).toBe(parseUsd('2'))
  })

  test('is told from what was heard when the DHT answers nothing', async () => {
    mesh.reachable = false
    open()
    counter.hear(slotOf(manifest, acacia, day, '1').bytes)
    expect(await counter.total(day, { signal: calm })).toMatchObject({ low: parseUsd('1'), missing: [ironwood] })
  })

  test('waits for a DHT that says nothing, a moment and not longer', async () => {
    open()
    mesh.getRecord = (_key: Uint8Array, { signal }: { signal: AbortSignal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    counter.hear(slotOf(manifest, acacia, day, '1').bytes)
    const total = await counter.total(day, { signal: calm })
    expect(total).toMatchObject({ low: parseUsd('1'), high: parseUsd('4'), missing: [ironwood] })
  })

  test('a sum that no member signed is not heard', () => {
    open()
    const stranger = { ...manifest, manifest: { ...manifest.manifest, members: [] } }
    const { bytes } = slotOf(manifest, acacia, day, '1')
    expect(() => counter.hear(Buffer.concat([bytes, bytes]))).toThrow(ProtocolError)
    manifest = stranger
    expect(() => counter.hear(bytes)).toThrow(expect.objectContaining({ code: 'NOT_A_MEMBER' }))
  })

  test('counts all rights of an account in use twice as spent', async () => {
    const [one, other] = ['1', '2'].map((dollars) => slotOf(manifest, ironwood, day, dollars).bytes)
    const thing = (bytes: Uint8Array = new Uint8Array()) => ({ kind: 'slot' as const, bytes: Uint8Array.from(bytes) })
    const proof = proveFork(thing(one), thing(other), manifest.mesh)
    budget.proofs.push(proof?.bytes ?? new Uint8Array())
    open()
    counter.hear(one ?? new Uint8Array())
    const total = await counter.total(day, { signal: calm })
    expect(total.byAccount.find(({ account }) => account.peer === ironwood.peer)).toMatchObject({ unspent: 0n })
    expect(total).toMatchObject({ low: parseUsd('1'), high: parseUsd('6') })
  })

  test('remembers under which manifests an account may have opened the day', async () => {
    open()
    await counter.total(day, { signal: calm })
    const { manifest: body } = manifest
    const allotments = body.allotments.map((entry) => ({ ...entry, amount: parseUsd('1') }))
    const limits = body.limits.map((entry) => (entry.dim === 'day' ? { ...entry, amount: parseUsd('3') } : entry))
    manifest = { ...manifest, manifest: { ...body, version: 2, allotments, limits } }
    expect(await counter.total(day, { signal: calm })).toMatchObject({ limit: parseUsd('3'), high: parseUsd('6') })
  })

  test('asked many times at once, searches once', async () => {
    open()
    await Promise.all(Array.from({ length: 20 }, () => counter.total(day, { signal: calm })))
    expect(mesh.searches).toBe(2)
  })
})
