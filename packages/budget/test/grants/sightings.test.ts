import { type Account, openForkProof, ProtocolError, type SignedThing } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { createSightings } from '../../src/grants/sightings.ts'
import { callOf, period, refusalOf, reserved, signerNamed } from '../bench.ts'
import { type Home, openMesh } from './mesh.ts'

/** Newest slots of a node, as it publishes them. */
async function slotsOf(home: Home): Promise<SignedThing[]> {
  return (await home.budget.slots()).map(({ bytes }) => ({ kind: 'slot', bytes: Uint8Array.from(bytes) }))
}

async function showAll(home: Home, things: readonly SignedThing[]): Promise<string[]> {
  const sighted: string[] = []
  for (const thing of things) sighted.push(await home.budget.sight(thing))
  return sighted
}

/** walnut runs on two machines from one copy of its ledger; each has spent 40 cents. */
async function copied() {
  const mesh = await openMesh(['walnut', 'ironwood', 'acacia'])
  const [walnut, ironwood, acacia] = [mesh.home('walnut'), mesh.home('ironwood'), mesh.home('acacia')]
  await reserved(walnut.budget, callOf(10, 'before'))
  const copy = await openCopy(walnut)
  await reserved(walnut.budget, callOf(40, 'here'))
  await reserved(copy.budget, callOf(40, 'there'))
  return { mesh, walnut, copy, ironwood, acacia }

  async function openCopy(home: Home): Promise<Home> {
    const synced = new Map(home.level.synced)
    const twin = (await openMesh(['walnut', 'ironwood', 'acacia'])).home('walnut')
    await twin.putBack(synced, { manifest: () => mesh.manifest })
    return twin
  }
}

describe('a copy of a ledger that runs elsewhere', () => {
  it('is noticed by the first node that is shown what both have signed, and everybody can check the proof', async () => {
    const { mesh, walnut, copy, ironwood } = await copied()
    expect(await showAll(ironwood, await slotsOf(walnut))).toEqual(['seen', 'seen'])
    expect(await showAll(ironwood, await slotsOf(copy))).toContain('forked')
    const [fork] = ironwood.budget.forkProofs()
    expect(openForkProof(fork ?? new Uint8Array(), mesh.manifest.mesh).signer).toEqual(walnut.account)
    await ironwood.verify()
  })

  it('freezes with the ledger it was copied from, once they are told, and neither spends or gives a cent more', async () => {
    const { walnut, copy, ironwood, acacia } = await copied()
    await showAll(ironwood, [...(await slotsOf(walnut)), ...(await slotsOf(copy))])
    const [fork] = ironwood.budget.forkProofs()
    for (const home of [walnut, copy, acacia]) await home.budget.noteFork(fork ?? new Uint8Array())
    for (const home of [walnut, copy]) {
      const refusal = refusalOf(await home.budget.reserve(callOf(1, 'more')))
      expect(refusal.by).toBe('forked')
      expect(refusal.reason).toContain('bzzz budget new-ledger')
      await home.restart()
      expect(refusalOf(await home.budget.reserve(callOf(1, 'more'))).by).toBe('forked')
    }
    expect((await acacia.budget.reserve(callOf(90, 'own'))).status).toBe('reserved')
  })

  it('is noticed by itself when it is shown what the other one signed', async () => {
    const { walnut, copy } = await copied()
    const theirs = await slotsOf(copy)
    await walnut.budget.slots()
    expect(await showAll(walnut, theirs)).toContain('forked')
    expect(refusalOf(await walnut.budget.reserve(callOf(1, 'more'))).by).toBe('forked')
    expect(walnut.facts).toContainEqual({ type: 'forked', account: walnut.account, own: true })
  })

  it('is noticed, however much faster than the other one it signs, when each is shown what was seen since', async () => {
    const { walnut, copy, ironwood } = await copied()
    await copy.restart()
    for (let more = 0; more < 5; more += 1) {
      await reserved(copy.budget, callOf(1, `more ${more}`))
      await slotsOf(copy)
    }
    await showAll(ironwood, await slotsOf(copy))
    expect(await showAll(ironwood, await slotsOf(walnut))).toEqual(['late', 'late'])
    expect(ironwood.budget.forkProofs()).toEqual([])
    expect(await showAll(walnut, ironwood.budget.seenOf(walnut.account.peer))).toContain('outrun')
    expect(refusalOf(await walnut.budget.reserve(callOf(1, 'more'))).by).toBe('outrun')
  })

  it('is told by a grant as well as by a slot', async () => {
    const { mesh, walnut, copy, ironwood } = await copied()
    await showAll(ironwood, await slotsOf(copy))
    const patience = new AbortController()
    const waiting = ironwood.budget.reserve(callOf(120, 'large'), patience.signal)
    await new Promise((resolve) => setImmediate(resolve))
    mesh.gossip()
    const request = ironwood.budget.requestTo(walnut.account)
    const granting = request && (await walnut.budget.grant(request))
    if (granting?.status !== 'granted') throw new Error('nothing was granted')
    for (const grant of granting.grants) expect(await ironwood.budget.credit(grant)).toMatchObject({ code: 'forked' })
    expect(period(ironwood.budget, 'd:2026-11-22')).toMatchObject({ received: 0n })
    patience.abort()
    expect((await waiting).status).toBe('refused')
  })
})

describe('a ledger that was put back with its mark', () => {
  async function putBack() {
    const mesh = await openMesh(['walnut', 'ironwood', 'acacia'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    await reserved(walnut.budget, callOf(10, 'early'))
    const older = new Map(walnut.level.synced)
    await reserved(walnut.budget, callOf(80, 'late'))
    await showAll(ironwood, await slotsOf(walnut))
    await walnut.putBack(older)
    const before = walnut.account
    return { mesh, walnut, ironwood, before }
  }

  it('stops as soon as a peer shows what it has forgotten', async () => {
    const { walnut, ironwood, before } = await putBack()
    expect(await showAll(walnut, ironwood.budget.seenOf(before.peer))).toEqual(['outrun'])
    const refusal = refusalOf(await walnut.budget.reserve(callOf(1, 'more')))
    expect(refusal.by).toBe('outrun')
    expect(refusal.reason).toContain('Restart this node')
    expect(walnut.facts.at(-2)).toMatchObject({ type: 'outrun', account: before })
  })

  it('stops as well when it has given out as many numbers anew before it is shown that', async () => {
    const { walnut, ironwood, before } = await putBack()
    for (let more = 0; more < 3; more += 1) {
      await reserved(walnut.budget, callOf(1, `more ${more}`))
      await walnut.budget.slots()
    }
    expect(await showAll(walnut, ironwood.budget.seenOf(before.peer))).toEqual(['outrun'])
  })

  it('stops as well when it has told a lot of its own before it is shown that', async () => {
    const { walnut, ironwood, before } = await putBack()
    for (let more = 0; more < 24; more += 1) {
      await reserved(walnut.budget, callOf(1, `more ${more}`))
      const [slot] = await slotsOf(walnut)
      if (more > 4 && slot !== undefined) await showAll(ironwood, [slot])
    }
    expect(ironwood.budget.forkProofs()).toEqual([])
    expect(await showAll(walnut, ironwood.budget.seenOf(before.peer))).toContain('outrun')
  })

  it('begins another account when it is started again, and works on grants', async () => {
    const { mesh, walnut, ironwood, before } = await putBack()
    await showAll(walnut, ironwood.budget.seenOf(before.peer))
    await walnut.restart()
    expect(walnut.account).not.toEqual(before)
    expect(walnut.facts).toContainEqual({ type: 'ledger-begun', account: walnut.account, before, why: 'outrun' })
    expect(await showAll(walnut, ironwood.budget.seenOf(before.peer))).toEqual(['own'])
    const waiting = walnut.budget.reserve(callOf(50, 'b'), AbortSignal.timeout(10_000))
    await new Promise((resolve) => setImmediate(resolve))
    mesh.gossip()
    await mesh.seek(walnut)
    expect((await waiting).status).toBe('reserved')
  })

  it('lets nobody wait who waited for rights', async () => {
    const { walnut, ironwood, before } = await putBack()
    const waiting = walnut.budget.reserve(callOf(200, 'b'), AbortSignal.timeout(10_000))
    await new Promise((resolve) => setImmediate(resolve))
    await showAll(walnut, ironwood.budget.seenOf(before.peer))
    expect(refusalOf(await waiting).by).toBe('outrun')
  })
})

describe('an honest node', () => {
  it('is never accused, however often it starts again, and whatever is seen twice or late', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    const all: SignedThing[] = []
    for (let run = 0; run < 6; run++) {
      await reserved(walnut.budget, callOf(5, `call ${run}`))
      all.push(...(await slotsOf(walnut)))
      await walnut.restart()
    }
    const shuffled = [...all, ...all].toSorted((a, b) => Buffer.compare(a.bytes.slice(-8), b.bytes.slice(-8)))
    expect(new Set(await showAll(ironwood, shuffled))).toEqual(new Set(['seen', 'late']))
    expect(new Set(await showAll(walnut, shuffled))).toEqual(new Set(['own']))
  })
})

describe('what is shown', () => {
  it('is refused when nobody of this mesh signed it, and of no account when no node did', async () => {
    const { walnut, ironwood } = await copied()
    const [slot] = await slotsOf(walnut)
    if (slot === undefined) throw new Error('no slot')
    const broken = { ...slot, bytes: slot.bytes.map((byte, at) => (at === 100 ? byte ^ 1 : byte)) }
    await expect(ironwood.budget.sight(broken)).rejects.toThrow(ProtocolError)
    await expect(ironwood.budget.sight({ ...slot, kind: 'manifest' })).rejects.toThrow(ProtocolError)
    const stranger = (await openMesh(['stranger'])).home('stranger')
    expect(ironwood.budget.seenOf(stranger.account.peer)).toEqual([])
  })

  it('of many accounts and numbers is kept within bounds, the newest of each', () => {
    const sightings = createSightings('ab'.repeat(32) as never, () => true)
    const account = (number: number): Account => {
      return { peer: signerNamed('a').peer, incarnation: number.toString(16).padStart(32, '0') as never }
    }
    for (let of = 0; of < 200; of++) {
      for (let number = 1; number <= 40; number++) {
        const thing: SignedThing = { kind: 'ack', bytes: Uint8Array.of(of, number) }
        sightings.see({ account: account(of), number, thing })
      }
    }
    expect(sightings.newest()).toHaveLength(128)
    expect(new Set(sightings.newest().map(({ number }) => number))).toEqual(new Set([40]))
  })
})
