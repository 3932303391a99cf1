import { type OpenedManifest, openAck, type Period } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import type { BudgetOptions } from '../../src/budget.ts'
import { verifyLedger } from '../../src/ledger/verify.ts'
import { type SignerBook, withVersion } from '../../src/manifest/book.ts'
import type { ManifestChange } from '../../src/manifest/change.ts'
import { signChange } from '../../src/manifest/sign.ts'
import { parseUsd } from '../../src/usd.ts'
import { type Bench, callOf, NOON, openBench, period, refusalOf, reserved, signerNamed } from '../bench.ts'
import { forkedFrom } from './owner.ts'

const TODAY = 'd:2026-11-22' as Period
const TOMORROW = 'd:2026-11-23' as Period
const DAY_MS = 86_400_000
const usd = parseUsd

/** A node whose owner signs one change after another. */
async function openOwned(more: Partial<BudgetOptions> = {}) {
  const bench: Bench = await openBench()
  let book: SignerBook = { versions: [bench.manifest], acks: new Map(), forks: [] }
  let newest: OpenedManifest = bench.manifest
  const options = { manifest: () => newest, ...more }
  const budget = await bench.reopen(options)
  return {
    bench,
    budget,
    reopen: () => bench.reopen(options),
    take: (manifest: OpenedManifest) => {
      newest = manifest
    },
    sign(change: ManifestChange): OpenedManifest {
      const signed = signChange(book, change, { owner: signerNamed('owner'), now: bench.clock.ms })
      if (signed.status !== 'signed') throw new Error(signed.status)
      book = withVersion(book, signed.next)
      newest = signed.next
      return signed.next
    },
    ack: (of = bench.budget) => openAck(of.ack() ?? new Uint8Array(), bench.manifest.mesh),
    verify: () => verifyLedger(bench.room, bench.manifest.mesh),
  }
}
const lowered = { kind: 'limit', dim: 'day', amount: usd('0.4') } as const

describe('an account', () => {
  it('acknowledges the manifest when its ledger is opened, the first one too, and each once', async () => {
    const { ack, reopen } = await openOwned()
    expect(ack()).toMatchObject({ version: 1, seq: 1, opened: [] })
    expect(ack(await reopen())).toMatchObject({ version: 1, seq: 1 })
  })

  it('opens periods by the version that it acknowledged, though a newer one is there', async () => {
    const { bench, budget, sign, ack, verify } = await openOwned()
    sign(lowered)
    bench.clock.ms = NOON + DAY_MS
    await reserved(budget, callOf(50, 'a'))
    expect(period(budget, TOMORROW)).toMatchObject({ initial: usd('1'), limit: usd('1') })
    await budget.acknowledge()
    expect(ack()).toMatchObject({
      version: 2,
      opened: [{ period: TOMORROW, initial: usd('1') }, { initial: usd('10') }],
    })
    bench.clock.ms += DAY_MS
    await reserved(budget, callOf(10, 'b'))
    expect(period(budget, 'd:2026-11-24')).toMatchObject({ initial: usd('0.4'), limit: usd('0.4') })
    await budget.close()
    expect(await verify()).toMatchObject({ unsettled: 1 })
  })

  it('tells every period that was opened before, whatever waits for the same write', async () => {
    const { bench, budget, sign, ack } = await openOwned()
    await reserved(budget, callOf(1, 'a'))
    bench.clock.ms = NOON + DAY_MS
    sign(lowered)
    const work = [budget.reserve(callOf(1, 'b')), budget.acknowledge(), budget.reserve(callOf(1, 'c'))]
    await Promise.all(work)
    const opened = [
      { period: TODAY, initial: usd('1') },
      { period: TOMORROW, initial: usd('1') },
      { period: 'm:2026-11', initial: usd('10') },
    ]
    expect(ack().opened).toEqual(opened)
  })

  it('that acknowledged first opens the next period with what it acknowledged, in the same moment', async () => {
    const { bench, budget, sign, ack } = await openOwned()
    sign(lowered)
    bench.clock.ms = NOON + DAY_MS
    await Promise.all([budget.acknowledge(), budget.reserve(callOf(1, 'c'))])
    expect(ack().opened).toEqual([])
    expect(period(budget, TOMORROW).initial).toBe(usd('0.4'))
  })

  it('does not tell periods that are long over', async () => {
    const { bench, budget, sign, ack } = await openOwned()
    await reserved(budget, callOf(1, 'a'))
    bench.clock.ms = NOON + 3 * DAY_MS
    bench.budget.witnessTime(bench.clock.ms)
    await reserved(budget, callOf(1, 'b'))
    sign(lowered)
    await budget.acknowledge()
    expect(ack().opened.map((entry) => entry.period)).toEqual(['d:2026-11-25', 'm:2026-11'])
  })

  it('acknowledges nothing that is contested, until a version heals it, and remembers what it acknowledged', async () => {
    let contested = true
    const { bench, sign, take, ack, reopen } = await openOwned({ contested: () => contested })
    const ours = sign(lowered)
    const other = forkedFrom(bench.manifest, { network: 'other' })
    await bench.budget.acknowledge()
    expect(ack()).toMatchObject({ version: 1 })
    const budget = await reopen()
    expect(ack(budget)).toMatchObject({ version: 1 })
    bench.clock.ms = NOON + DAY_MS
    await reserved(budget, callOf(1, 'a'))
    expect(period(budget, TOMORROW).initial).toBe(usd('1'))
    take(forkedFrom(ours, { heals: [Uint8Array.from(ours.hash), Uint8Array.from(other.hash)] }))
    contested = false
    await budget.acknowledge()
    expect(ack(budget)).toMatchObject({ version: 3 })
  })

  it('that never acknowledged anything has no rights of its own', async () => {
    const bench = await openBench({}, { contested: () => true })
    expect(bench.budget.ack()).toBeUndefined()
    expect(bench.budget.rights).toBe('none')
    expect(refusalOf(await bench.budget.reserve(callOf(1, 'a')))).toMatchObject({ by: 'no-rights' })
  })

  it('that the newest manifest says is gone spends nothing, though it acknowledged an older one', async () => {
    const { bench, budget, sign } = await openOwned()
    sign({ kind: 'adopt', account: { ...bench.account, incarnation: 'f'.repeat(32) as never } })
    expect(refusalOf(await budget.reserve(callOf(1, 'a')))).toMatchObject({ by: 'closed' })
    await budget.acknowledge()
    expect(refusalOf(await budget.reserve(callOf(1, 'b')))).toMatchObject({ by: 'closed' })
  })

  it('numbers its acks with its slots', async () => {
    const { bench, budget, sign, ack } = await openOwned()
    await reserved(budget, callOf(1, 'a'))
    expect((await bench.slot(TODAY))?.seq).toBe(2)
    sign(lowered)
    await budget.acknowledge()
    expect(ack().seq).toBe(4)
    await reserved(budget, callOf(1, 'b'))
    expect(await bench.slot(TODAY)).toMatchObject({ seq: 5, manifestVersion: 2 })
  })

  it('is told by a fact', async () => {
    const { bench, budget, sign } = await openOwned()
    sign(lowered)
    await budget.acknowledge()
    expect(bench.facts.filter(({ type }) => type === 'acknowledged')).toMatchObject([{ version: 1 }, { version: 2 }])
  })
})

it('what was minted for an account is booked once it acknowledged that, today', async () => {
  const { budget, sign, bench } = await openOwned()
  await reserved(budget, callOf(100, 'a'))
  sign({ kind: 'limit', dim: 'day', amount: usd('1.5') })
  expect(refusalOf(await budget.reserve(callOf(20, 'b')))).toMatchObject({ by: 'day' })
  await budget.acknowledge()
  await reserved(budget, callOf(20, 'b'))
  expect(period(budget, TODAY)).toMatchObject({ minted: usd('0.5'), limit: usd('1.5') })
  await budget.close()
  await verifyLedger(bench.room, bench.manifest.mesh)
})
