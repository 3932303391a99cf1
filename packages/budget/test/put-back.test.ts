import { accountKey, openManifest, openSlot, type Period, sealManifest } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { renewLedger } from '../src/ledger/ledgers.ts'
import { answer, callOf, period, refusalOf, reserved, signerNamed } from './bench.ts'
import { cents, type Home, type Mesh, openMesh } from './grants/mesh.ts'
import { createMemoryLevel } from './memory-level.ts'
import { createMemoryMarker, type MemoryMarker } from './memory-marker.ts'

const DAY = 'd:2026-11-22' as Period

/** Two nodes of a dollar and a half a day each; walnut's ledger has a mark outside of it. */
async function marked(): Promise<{ mesh: Mesh; walnut: Home; ironwood: Home; marker: MemoryMarker }> {
  const mesh = await openMesh(['walnut', 'ironwood'])
  const marker = createMemoryMarker()
  const walnut = mesh.home('walnut')
  await walnut.restart({ marker })
  return { mesh, walnut, ironwood: mesh.home('ironwood'), marker }
}

function endsOf({ facts }: Home): unknown[] {
  return facts.flatMap((fact) => (fact.type === 'ledger-begun' ? [fact.why] : []))
}

describe('the mark of a ledger', () => {
  it('is written once the ledger is synced, and before anybody is told', async () => {
    const { walnut, marker } = await marked()
    const order: string[] = []
    const recordsBefore = walnut.level.synced.size
    const { write } = marker
    marker.write = async (mark) => {
      order.push(walnut.level.synced.size > recordsBefore ? 'synced, then marked' : 'marked')
      await write(mark)
    }
    await reserved(walnut.budget, callOf(10, 'a'))
    order.push('told')
    expect(order).toEqual(['synced, then marked', 'told'])
  })

  it('tells of slots too, which take a number and make no record', async () => {
    const { walnut, marker } = await marked()
    await reserved(walnut.budget, callOf(10, 'a'))
    const before = marker.mark
    await walnut.budget.slots()
    expect(marker.mark?.head.seq).toBe(before?.head.seq)
    expect(marker.mark?.signedSeq).toBeGreaterThan(before?.signedSeq ?? 0)
  })

  it('that cannot be written lets nothing leave', async () => {
    const { walnut, marker } = await marked()
    marker.failing = true
    await expect(walnut.budget.reserve(callOf(10, 'a'))).rejects.toMatchObject({ code: 'FROZEN' })
    expect(walnut.budget.report().condition).toBe('frozen')
  })

  it('that lags behind, as after a power cut, alarms nobody', async () => {
    const { walnut, marker } = await marked()
    const { account } = walnut
    const [early] = marker.written
    await reserved(walnut.budget, callOf(10, 'a'))
    marker.mark = early
    await walnut.restart({ marker })
    expect(walnut.account).toEqual(account)
    expect(walnut.facts.filter(({ type }) => type === 'mark-missing')).toHaveLength(1) // at the first opening with one
  })

  it('that is missing is made anew, and told of', async () => {
    const { walnut, marker } = await marked()
    const { account } = walnut
    marker.mark = undefined
    await walnut.restart({ marker })
    expect(walnut.account).toEqual(account)
    expect(walnut.facts.filter(({ type }) => type === 'mark-missing')).toHaveLength(2)
    expect(marker.mark).toMatchObject({ account })
  })
})

describe('an older ledger that was put back', () => {
  async function putBack() {
    const scene = await marked()
    const { walnut, marker } = scene
    const before = walnut.account
    await reserved(walnut.budget, callOf(20, 'early'))
    const older = new Map(walnut.level.synced)
    const call = await reserved(walnut.budget, callOf(100, 'late'))
    await walnut.budget.sent(call)
    await walnut.budget.settle(call, answer(100))
    await walnut.putBack(older, { marker })
    return { ...scene, before }
  }

  it('is not gone on with: a new account begins, without rights of its own, and the operator is told', async () => {
    const { walnut, before } = await putBack()
    expect(accountKey(walnut.account)).not.toBe(accountKey(before))
    expect(walnut.facts).toContainEqual({ type: 'ledger-begun', account: walnut.account, before, why: 'put-back' })
    expect(walnut.budget.rights).toBe('none')
    expect(walnut.budget.former).toMatchObject([{ incarnation: before.incarnation, why: 'put-back' }])
    expect(refusalOf(await walnut.budget.reserve(callOf(1, 'b'))).by).toBe('no-rights')
    await walnut.verify()
  })

  it('is told apart when only the number of a slot is lost', async () => {
    const { walnut, marker } = await marked()
    await reserved(walnut.budget, callOf(10, 'a'))
    const older = new Map(walnut.level.synced)
    await walnut.budget.slots()
    await walnut.putBack(older, { marker })
    expect(endsOf(walnut)).toEqual(['put-back'])
  })

  it('is told apart when it went on elsewhere, to as many records', async () => {
    const { walnut, marker } = await marked()
    const older = new Map(walnut.level.synced)
    await reserved(walnut.budget, callOf(10, 'a'))
    const { mark } = marker
    await walnut.putBack(older, { marker: createMemoryMarker() })
    await reserved(walnut.budget, callOf(20, 'b'))
    await reserved(walnut.budget, callOf(20, 'c'))
    marker.mark = mark
    await walnut.restart({ marker })
    expect(endsOf(walnut)).toEqual(['put-back'])
  })

  it('still tells its calls and costs, what it left open as uncertain', async () => {
    const { walnut } = await putBack()
    const { turn } = callOf(20, 'early')
    expect(await walnut.budget.callsOf(turn)).toMatchObject([{ state: 'uncertain' }])
    const { byAgent } = await walnut.budget.breakdown(DAY)
    expect(byAgent).toMatchObject([{ calls: 1, held: cents(20) }])
  })

  it('works at once on what another node grants', async () => {
    const { mesh, walnut } = await putBack()
    const waiting = walnut.budget.reserve(callOf(60, 'b'), new AbortController().signal)
    await new Promise((resolve) => setImmediate(resolve))
    mesh.gossip()
    await mesh.seek(walnut)
    expect((await waiting).status).toBe('reserved')
    expect(period(walnut.budget, DAY)).toMatchObject({ initial: 0n })
    await walnut.verify()
  })

  it('is a new account once, however often the node is started then', async () => {
    const { walnut, marker } = await putBack()
    const { account } = walnut
    await walnut.restart({ marker })
    await walnut.restart({ marker })
    expect(walnut.account).toEqual(account)
    expect(endsOf(walnut)).toEqual(['put-back'])
  })

  it('is a new account again when the very same one is put back again', async () => {
    const { walnut, marker, before } = await putBack()
    const second = walnut.account
    await walnut.putBack(new Map(), { marker: createMemoryMarker() })
    const older = walnut.level.synced
    await walnut.putBack(older, { marker })
    expect(endsOf(walnut).at(-1)).toBe('put-back')
    for (const one of [before, second]) expect(walnut.account).not.toEqual(one)
  })

  it('gives no rights of the first ledger to whoever puts that one back after it was left', async () => {
    const { walnut, marker, before } = await putBack()
    const first = createMemoryLevel(
      [...walnut.level.synced].filter(([key]) => !/budget\/(i\/|ledgers)/.test(key)) as never,
    )
    await walnut.putBack(first.synced, { marker })
    expect(walnut.account).not.toEqual(before)
    expect(walnut.budget.rights).toBe('none')
  })

  it('signs nothing under the old account any more', async () => {
    const { mesh, walnut, before } = await putBack()
    const slots = (await walnut.budget.slots()).map(({ bytes }) => openSlot(bytes, mesh.manifest.mesh).account)
    for (const account of slots) expect(account).not.toEqual(before)
  })
})

describe('a ledger that is gone', () => {
  it('is named by its mark, and another account begins', async () => {
    const { walnut, marker } = await marked()
    const before = walnut.account
    await walnut.putBack(new Map(), { marker })
    expect(endsOf(walnut)).toEqual(['lost'])
    expect(walnut.budget.former).toMatchObject([{ incarnation: before.incarnation, why: 'lost' }])
    const { account } = walnut
    marker.mark = { ...marker.written[0], account: before } as never // the next start came before it was marked
    await walnut.restart({ marker })
    expect(walnut.account).toEqual(account)
  })
})

describe('an operator', () => {
  it('may have a new ledger begun, and the one before stays to be read', async () => {
    const { walnut, marker } = await marked()
    await reserved(walnut.budget, callOf(10, 'a'))
    const before = walnut.account
    const tools = { now: () => 0, randomBytes: (length: number) => new Uint8Array(length).fill(7) }
    await renewLedger(walnut.room, 'renewed', tools)
    await walnut.restart({ marker })
    expect(walnut.account.incarnation).toBe('07'.repeat(16))
    expect(walnut.budget.former).toEqual([{ incarnation: before.incarnation, why: 'renewed', endedMs: 0 }])
    expect((await walnut.budget.breakdown(DAY)).byAgent).toMatchObject([{ held: cents(10) }])
    await walnut.verify()
  })
})

describe("an agent's own limit", () => {
  const limited = { perAgentDaily: cents(50) }

  async function restarted(): Promise<{ walnut: Home; mesh: Mesh }> {
    const mesh = await openMesh(['walnut', 'ironwood'], limited)
    const walnut = mesh.home('walnut')
    await reserved(walnut.budget, callOf(40, 'before'))
    await walnut.loseDisk()
    return { walnut, mesh }
  }

  async function withGrants(mesh: Mesh, walnut: Home, name: string) {
    const waiting = walnut.budget.reserve(callOf(20, name), AbortSignal.timeout(10_000))
    await new Promise((resolve) => setImmediate(resolve))
    mesh.gossip()
    await mesh.seek(walnut)
    return waiting
  }

  it('counts as used up on the day on which another ledger was begun, since what was spent of it is not known', async () => {
    const { walnut, mesh } = await restarted()
    const refusal = refusalOf(await withGrants(mesh, walnut, 'a'))
    expect(refusal).toMatchObject({ by: 'agent-day', limit: 0n })
    expect(refusal.reason).toContain('What it spent before this ledger was begun is not known')
    expect((await mesh.home('ironwood').budget.reserve(callOf(50, 'b'))).status).toBe('reserved')
  })

  it('stays used up on that day when the ledger is adopted', async () => {
    const { walnut, mesh } = await restarted()
    const { manifest: first, mesh: id, hash } = mesh.manifest
    const allotments = [
      ...first.allotments,
      { account: walnut.account, dim: 'day' as const, from: DAY, amount: cents(100) },
      { account: walnut.account, dim: 'month' as const, from: 'm:2026-11' as Period, amount: cents(100) },
    ]
    const body = { ...first, version: 2, prevHash: Uint8Array.from(hash), allotments }
    const adopted = openManifest(sealManifest(body, id, signerNamed('owner')), id)
    await walnut.restart({ manifest: () => adopted })
    await walnut.budget.acknowledge()
    expect(walnut.budget.rights).toBe('allotted')
    expect(refusalOf(await walnut.budget.reserve(callOf(20, 'a')))).toMatchObject({ by: 'agent-day', limit: 0n })
  })

  it('is whole again on the next day', async () => {
    const { walnut, mesh } = await restarted()
    mesh.clock.ms += 86_400_000
    for (const { budget } of mesh.homes) budget.witnessTime(mesh.clock.ms)
    expect((await withGrants(mesh, walnut, 'a')).status).toBe('reserved')
    expect((await withGrants(mesh, walnut, 'c')).status).toBe('reserved')
    expect(period(walnut.budget, 'a:architect:2026-11-23')).toMatchObject({ initial: cents(50), available: cents(10) })
  })
})
