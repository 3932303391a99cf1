import {
  type Grant,
  grantHash,
  openAck,
  openGrant,
  openManifest,
  openSlot,
  type Period,
  proveFork,
  readGrant,
  sealGrant,
  sealManifest,
} from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import type { GrantRequest } from '../../src/grants/request.ts'
import { splitCap } from '../../src/shares.ts'
import { parseUsd } from '../../src/usd.ts'
import { answer, callOf, period, reserved, signerNamed, thread } from '../bench.ts'
import { cents, found, type Home, type Mesh, openMesh } from './mesh.ts'

const DAY = 'd:2026-11-22' as Period
const MONTH = 'm:2026-11' as Period

/** What `to` would ask for a call of so many cents, all of which it lacks. */
function asking(
  to: Home,
  amount: number,
  periods: readonly Period[] = [DAY],
  more: Partial<GrantRequest> = {},
): GrantRequest {
  const boot = bootOf(to)
  const needs = periods.map((of) => ({ period: of, least: cents(amount), want: cents(amount), credited: cents(0) }))
  return { to: { account: to.account, boot }, sinceMs: 0, perSecond: 0, needs, ...more }
}

/** The present opening. */
function bootOf(home: Home): Grant['boot'] {
  const boots = [...home.level.synced].filter(([key]) => /n\/[0-9a-f]{32}$/.test(key))
  const all = boots.map(([key, value]) => ({
    counter: Number(Buffer.from(value).toString()),
    nonce: key.slice(-32) as never,
  }))
  return found(all, ({ counter }) => counter === all.length)
}

async function granted(from: Home, request: GrantRequest): Promise<Uint8Array[]> {
  const granting = await from.budget.grant(request)
  if (granting.status === 'refused') throw new Error(`refused: ${granting.code}`)
  return [...granting.grants]
}

describe('a grant', () => {
  it('moves rights of day, month and thread at once, and both sides report it', async () => {
    const { home } = await openMesh(['walnut', 'ironwood', 'acacia'])
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    const homes = [walnut, ironwood].map(({ account }) => ({ account, weight: 1 }))
    const of = `t:${thread(1)}` as Period
    for (const one of [walnut, ironwood]) await one.budget.openThread(thread(1), splitCap(cents(100), homes))
    const grants = await granted(ironwood, asking(walnut, 20, [DAY, MONTH, of]))
    expect(grants).toHaveLength(3)
    for (const grant of grants)
      expect(await walnut.budget.credit(grant)).toMatchObject({ status: 'credited', amount: cents(20) })
    expect(period(walnut.budget, DAY)).toMatchObject({ initial: cents(100), received: cents(20), rights: cents(120) })
    expect(period(ironwood.budget, DAY)).toMatchObject({ granted: cents(20), rights: cents(80), available: cents(80) })
    expect(period(walnut.budget, MONTH)).toMatchObject({ rights: cents(1020) })
    expect(period(walnut.budget, of)).toMatchObject({ initial: cents(50), available: cents(70) })
    await reserved(walnut.budget, callOf(70, 'a', { thread: thread(1) }))
    for (const one of [walnut, ironwood]) await one.verify()
  })

  it('is told about with what it added up to, also when a later one shares its page', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    const [later] = asking(walnut, 10).needs.map((need) => ({ ...need, credited: cents(20) }))
    const requests = [asking(walnut, 20), asking(walnut, 10, [DAY], { needs: later === undefined ? [] : [later] })]
    const grants = (await Promise.all(requests.map((request) => granted(ironwood, request)))).flat()
    await Promise.all(grants.map((grant) => walnut.budget.credit(grant)))
    const moved = [
      { period: DAY, amount: cents(20), cumulative: cents(20) },
      { period: DAY, amount: cents(10), cumulative: cents(30) },
    ]
    const told = ({ facts }: Home, of: string) => facts.filter(({ type }) => type === of)
    expect(told(ironwood, 'granted')).toEqual(moved.map((one) => ({ type: 'granted', to: walnut.account, ...one })))
    expect(told(walnut, 'credited')).toEqual(moved.map((one) => ({ type: 'credited', from: ironwood.account, ...one })))
  })

  it('is on the disk before it leaves, and leaves again as it was', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    const [lost] = await granted(ironwood, asking(walnut, 20))
    await ironwood.restart()
    expect(period(ironwood.budget, DAY)).toMatchObject({ granted: cents(20), available: cents(130) })
    expect(ironwood.budget.grantsTo(walnut.account)).toEqual([lost])
    await walnut.restart()
    for (const grant of ironwood.budget.grantsTo(walnut.account)) await walnut.budget.credit(grant)
    expect(period(walnut.budget, DAY)).toMatchObject({ received: cents(20), available: cents(170) })
  })

  it('that was lost on the way is sent again before more is given', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    const [lost] = await granted(ironwood, asking(walnut, 20))
    expect(await granted(ironwood, asking(walnut, 20))).toEqual([lost])
    const [more] = await granted(ironwood, asking(walnut, 30))
    expect(readGrant(more ?? new Uint8Array()).cumulative).toBe(cents(30))
    expect(period(ironwood.budget, DAY).granted).toBe(cents(30))
  })

  it('is numbered with the slots, which tell it, and no number is used twice', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    const numbers: number[] = []
    for (let round = 1; round <= 3; round += 1) {
      const [grant] = await granted(ironwood, asking(walnut, 10 * round))
      numbers.push(openGrant(grant ?? new Uint8Array(), mesh.manifest.mesh).seq)
      const slots = await ironwood.budget.slots()
      const slot = openSlot(found(slots, (one) => one.period === DAY).bytes, mesh.manifest.mesh)
      const told = { account: walnut.account, boot: bootOf(walnut), cumulative: cents(10 * round) }
      expect(slot.granted).toEqual([{ ...told, grant: Uint8Array.from(grantHash(grant ?? new Uint8Array())) }])
      numbers.push(slot.seq)
      await walnut.budget.credit(grant ?? new Uint8Array())
      await ironwood.restart()
      await ironwood.verify()
    }
    expect(numbers).toEqual([2, 3, 4, 5, 6, 7])
    const slots = await walnut.budget.slots()
    expect(openSlot(found(slots, (one) => one.period === DAY).bytes, mesh.manifest.mesh).received).toHaveLength(1)
  })

  it('is never more than is left, nor what is held for a call', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    await reserved(ironwood.budget, callOf(100, 'a'))
    const both = await Promise.all([1, 2].map(() => ironwood.budget.grant(asking(walnut, 40))))
    expect(both.map(({ status }) => status)).toEqual(['granted', 'granted'])
    expect(period(ironwood.budget, DAY)).toMatchObject({ granted: cents(40), available: cents(10) })
    expect(await ironwood.budget.grant(asking(walnut, 90))).toMatchObject({ status: 'granted' })
    expect(period(ironwood.budget, DAY)).toMatchObject({ granted: cents(50), available: 0n })
    expect(await ironwood.budget.reserve(callOf(1, 'b'))).toMatchObject({ status: 'refused', by: 'day' })
  })

  it('reaches an account that the manifest gives nothing, which then goes on', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    await walnut.loseDisk()
    expect(await walnut.budget.reserve(callOf(5, 'a'))).toMatchObject({ status: 'refused', by: 'no-rights' })
    for (const grant of await granted(ironwood, asking(walnut, 20, [DAY, MONTH]))) await walnut.budget.credit(grant)
    await reserved(walnut.budget, callOf(5, 'a'))
    expect(await walnut.budget.reserve(callOf(20, 'b'))).toMatchObject({ by: 'day', available: cents(15) })
  })

  it('is taken in a period whose limit was lowered after it was opened, up to what had been given out', async () => {
    const change = (first: Mesh['manifest']): Mesh['manifest'] => {
      const lowered = { dim: 'day', from: DAY, amount: cents(50) } as const
      const limits = [lowered, ...first.manifest.limits.filter(({ dim }) => dim !== 'day')]
      const body = { ...first.manifest, version: 2, prevHash: Uint8Array.from(first.hash), limits }
      return openManifest(sealManifest(body, first.mesh, signerNamed('owner')), first.mesh)
    }
    const { home, manifest } = await openMesh(['walnut', 'ironwood'], { change })
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    const [all] = await granted(ironwood, asking(walnut, 150))
    expect(await walnut.budget.credit(all ?? new Uint8Array())).toMatchObject({
      status: 'credited',
      amount: cents(150),
    })
    expect(period(walnut.budget, DAY)).toMatchObject({ rights: cents(300) })
    const body = { ...readGrant(all ?? new Uint8Array()), seq: 9, cumulative: cents(151) }
    const more = sealGrant(body, manifest.mesh, ironwood.signer)
    expect(await walnut.budget.credit(more)).toMatchObject({ status: 'refused', code: 'beyond-limit' })
  })
})

describe('a mint', () => {
  it('counts once, from the moment the manifest is known', async () => {
    const change = (first: Mesh['manifest'], [account]: readonly Home['account'][]): Mesh['manifest'] => {
      const mints = [{ id: '1'.repeat(32), period: DAY, account, amount: cents(50) }]
      const body = { ...first.manifest, version: 2, prevHash: Uint8Array.from(first.hash), mints }
      return openManifest(sealManifest(body as never, first.mesh, signerNamed('owner')), first.mesh)
    }
    const { home } = await openMesh(['walnut', 'ironwood'], { change })
    const walnut = home('walnut')
    expect(period(walnut.budget, DAY)).toMatchObject({ initial: cents(150), minted: cents(50), available: cents(200) })
    await reserved(walnut.budget, callOf(180, 'a'))
    await walnut.restart()
    await reserved(walnut.budget, callOf(15, 'b'))
    expect(period(walnut.budget, DAY)).toMatchObject({ minted: cents(50), available: cents(5) })
    expect(walnut.facts.filter(({ type }) => type === 'minted')).toHaveLength(1)
    await walnut.verify()
  })
})

describe('a grant that comes in is refused, and nothing changes,', () => {
  const mesh = openMesh(['walnut', 'ironwood', 'acacia'])
  let seq = 6
  const grantOf = async (change: Partial<Grant> = {}): Promise<Grant> => {
    const { home } = await mesh
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    const to = { account: walnut.account, boot: bootOf(walnut) }
    const body = {
      v: 1,
      period: DAY,
      from: ironwood.account,
      boot: bootOf(ironwood),
      to,
      cumulative: cents(10),
      seq: ++seq,
    } as const
    return { ...body, ...change }
  }
  const sealed = async (change: Partial<Grant> = {}, by = 'ironwood'): Promise<Uint8Array> => {
    return sealGrant(await grantOf(change), (await mesh).manifest.mesh, signerNamed(by))
  }
  const strange = (name: string) => ({ peer: signerNamed(name).peer, incarnation: '7'.repeat(32) as never })

  it.each<[string, string, () => Promise<Uint8Array>]>([
    ['when it is no grant', 'malformed', async () => Buffer.from('grant')],
    ['when it is above its bound', 'malformed', async () => new Uint8Array(2_000)],
    ['when another than its donor signed it', 'forged', () => sealed({}, 'acacia')],
    [
      'of another mesh',
      'forged',
      async () => sealGrant(await grantOf(), 'cd'.repeat(32) as never, signerNamed('ironwood')),
    ],
    ['of a stranger', 'not-a-member', () => sealed({ from: strange('stranger') }, 'stranger')],
    [
      'to another account',
      'not-ours',
      async () => sealed({ to: { ...(await grantOf()).to, account: (await mesh).home('acacia').account } }),
    ],
    [
      'to an opening that never was',
      'wrong-boot',
      async () => {
        const { account } = (await grantOf()).to
        return sealed({ to: { account, boot: { counter: 1, nonce: '9'.repeat(32) as never } } })
      },
    ],
    ['of a day that is over and was never opened', 'wrong-period', () => sealed({ period: 'd:2026-11-20' as Period })],
    ['of a day that has not come', 'wrong-period', () => sealed({ period: 'd:2026-11-23' as Period })],
    ['of a thread that is not open here', 'not-open', () => sealed({ period: `t:${thread(9)}` as Period })],
    ['of more than the mesh may spend', 'beyond-limit', () => sealed({ cumulative: parseUsd('2.01') })],
  ])('%s (%s, %#)', async (_, code, bytes) => {
    const { home } = await mesh
    const { budget, level, facts } = home('walnut')
    const before = new Map(level.synced)
    expect(await budget.credit(await bytes())).toMatchObject({ status: 'refused', code })
    expect(level.synced).toEqual(before)
    expect(facts.at(-1)).toMatchObject({ type: 'credit-refused', code })
  })

  it('when it was credited before, or a later one was, or two do not go together', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    const [first] = await granted(ironwood, asking(walnut, 10))
    const [second] = await granted(ironwood, asking(walnut, 30))
    if (first === undefined || second === undefined) throw new Error('no grants')
    expect(await walnut.budget.credit(second)).toMatchObject({ amount: cents(30) })
    expect(await walnut.budget.credit(second)).toMatchObject({ code: 'replayed' })
    expect(await walnut.budget.credit(first)).toMatchObject({ code: 'older' })
    expect(period(walnut.budget, DAY)).toMatchObject({ received: cents(30) })
  })
})

describe('a member that means ill', () => {
  async function met() {
    const mesh = await openMesh(['walnut', 'ironwood', 'acacia'])
    const [walnut, ironwood, acacia] = [mesh.home('walnut'), mesh.home('ironwood'), mesh.home('acacia')]
    const sealed = (change: Partial<Grant>): Uint8Array => {
      const to = { account: walnut.account, boot: bootOf(walnut) }
      const from = { from: ironwood.account, boot: bootOf(ironwood) }
      const body = { v: 1, period: DAY, ...from, to, cumulative: cents(1), seq: 7, ...change } as const
      return sealGrant(body, mesh.manifest.mesh, ironwood.signer)
    }
    return { mesh, walnut, ironwood, acacia, sealed }
  }
  const madeUp = ({ account }: Home, number: number) => {
    return { peer: account.peer, incarnation: number.toString(16).padStart(32, '0') as never }
  }

  it('cannot give more of a thread than a ledger can hold', async () => {
    const { walnut, ironwood, sealed } = await met()
    const homes = [walnut, ironwood].map(({ account }) => ({ account, weight: 1 }))
    await walnut.budget.openThread(thread(1), splitCap(cents(100), homes))
    const all = { period: `t:${thread(1)}` as Period, cumulative: (2n ** 63n - 1n) as never }
    expect(await walnut.budget.credit(sealed(all))).toMatchObject({ status: 'refused', code: 'beyond-limit' })
    const most = { ...all, seq: 1_000, cumulative: (2n ** 62n) as never }
    expect(await walnut.budget.credit(sealed(most))).toMatchObject({ status: 'credited' })
    const again = { ...most, from: madeUp(ironwood, 1) }
    expect(await walnut.budget.credit(sealed(again))).toMatchObject({ status: 'refused', code: 'beyond-limit' })
    await reserved(walnut.budget, callOf(10, 'a', { thread: thread(1) }))
  })

  it('cannot fill the lists of a period with incarnations that it makes up', async () => {
    const { walnut, ironwood, acacia, sealed } = await met()
    const [taken, given] = [new Set<string>(), new Set<string>()]
    for (let number = 1; number <= 80; number += 1) {
      const crediting = await walnut.budget.credit(sealed({ from: madeUp(ironwood, number), cumulative: 1n as never }))
      taken.add(crediting.status === 'refused' ? crediting.code : crediting.status)
      const request = asking(ironwood, 0)
      const needs = [{ period: DAY, least: 1n as never, want: 1n as never, credited: cents(0) }]
      const to = { ...request.to, account: madeUp(ironwood, number) }
      const granting = await walnut.budget.grant({ ...request, to, needs })
      given.add(granting.status === 'refused' ? granting.code : granting.status)
    }
    expect([...taken]).toEqual(['credited', 'too-many'])
    expect([...given]).toEqual(['granted', 'too-many'])
    const [gift] = await granted(acacia, asking(walnut, 10))
    expect(await walnut.budget.credit(gift ?? new Uint8Array())).toMatchObject({ status: 'credited' })
    expect(await granted(walnut, asking(acacia, 20))).toHaveLength(1)
  })

  it('cannot fill the list of accounts that are in use twice, nor with keys that it makes up', async () => {
    const { mesh, walnut, ironwood, acacia, sealed } = await met()
    const proofOf = (one: Uint8Array, other: Uint8Array): Uint8Array => {
      const thing = (bytes: Uint8Array) => ({ kind: 'grant' as const, bytes: Uint8Array.from(bytes) })
      return proveFork(thing(one), thing(other), mesh.manifest.mesh)?.bytes ?? new Uint8Array()
    }
    const codes = []
    for (let number = 1; number <= 9; number += 1) {
      const from = madeUp(ironwood, number)
      const noted = await walnut.budget.noteFork(proofOf(sealed({ from }), sealed({ from, cumulative: cents(2) })))
      codes.push(noted.status === 'refused' ? noted.code : noted.status)
    }
    expect(codes).toEqual([...Array.from({ length: 8 }, () => 'noted'), 'too-many'])
    const stranger = signerNamed('stranger')
    const twice = [1, 2].map((amount) => {
      const body = { ...readGrant(sealed({})), from: { peer: stranger.peer, incarnation: '7'.repeat(32) as never } }
      return sealGrant({ ...body, cumulative: cents(amount) }, mesh.manifest.mesh, stranger)
    })
    const [one = new Uint8Array(), other = new Uint8Array()] = twice
    expect(await walnut.budget.noteFork(proofOf(one, other))).toMatchObject({ code: 'not-a-member' })
    const [first] = await granted(acacia, asking(walnut, 10))
    const honest = first ?? new Uint8Array()
    const second = sealGrant({ ...readGrant(honest), cumulative: cents(20) }, mesh.manifest.mesh, acacia.signer)
    expect(await walnut.budget.noteFork(proofOf(honest, second))).toMatchObject({ status: 'noted' })
  })
})

describe('an account that signed two things under one number', () => {
  async function forked() {
    const mesh = await openMesh(['walnut', 'ironwood', 'acacia'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    const [honest] = await granted(ironwood, asking(walnut, 10))
    if (honest === undefined) throw new Error('no grant')
    await walnut.budget.credit(honest)
    const other = sealGrant({ ...readGrant(honest), cumulative: cents(20) }, mesh.manifest.mesh, ironwood.signer)
    return { mesh, walnut, ironwood, other }
  }

  it('is found out by the second of two grants; nothing more is credited from it, and what was stays', async () => {
    const { walnut, ironwood, other } = await forked()
    expect(await walnut.budget.credit(other)).toMatchObject({ code: 'forked' })
    await walnut.restart()
    const [later] = await granted(ironwood, asking(walnut, 40))
    expect(await walnut.budget.credit(later ?? new Uint8Array())).toMatchObject({ code: 'forked' })
    expect(await walnut.budget.grant(asking(ironwood, 10))).toMatchObject({ code: 'forked' })
    expect(period(walnut.budget, DAY)).toMatchObject({ received: cents(10) })
    expect(walnut.facts.filter(({ type }) => type === 'forked')).toMatchObject([
      { account: ironwood.account, own: false },
    ])
    await walnut.verify()
  })

  it('freezes when it learns it from the proof', async () => {
    const { mesh, walnut, ironwood, other } = await forked()
    await walnut.budget.credit(other)
    const proof = [...walnut.level.synced].find(([key]) => key.includes('k/'))?.[1] ?? new Uint8Array()
    expect(await ironwood.budget.noteFork(proof)).toMatchObject({ status: 'noted', own: true })
    expect(await ironwood.budget.noteFork(proof)).toMatchObject({ status: 'known' })
    expect(await ironwood.budget.reserve(callOf(1, 'a'))).toMatchObject({ status: 'refused', by: 'forked', lacks: [] })
    expect(await ironwood.budget.grant(asking(mesh.home('acacia'), 1))).toMatchObject({ code: 'forked' })
    expect(await mesh.home('acacia').budget.noteFork(proof.slice(1))).toMatchObject({
      status: 'refused',
      code: 'malformed',
    })
    await ironwood.verify()
  })
})

describe('a ledger that was put back, or copied', () => {
  it('cannot credit what was granted to an opening that it does not know', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    const before = new Map(walnut.level.synced)
    await walnut.restart()
    const [grant] = await granted(ironwood, asking(walnut, 20))
    expect(await walnut.budget.credit(grant ?? new Uint8Array())).toMatchObject({ status: 'credited' })
    await walnut.putBack(before)
    expect(await walnut.budget.credit(grant ?? new Uint8Array())).toMatchObject({ code: 'wrong-boot' })
    expect(period(walnut.budget, DAY)).toMatchObject({ received: 0n, available: cents(150) })
  })

  it('numbers what it signs as before, and the first who is given to again has the proof', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    const before = new Map(ironwood.level.synced)
    const [first] = await granted(ironwood, asking(walnut, 20))
    await walnut.budget.credit(first ?? new Uint8Array())
    await ironwood.putBack(before)
    const [again] = await granted(ironwood, asking(walnut, 30))
    expect(await walnut.budget.credit(again ?? new Uint8Array())).toMatchObject({ code: 'forked' })
    expect(period(walnut.budget, DAY)).toMatchObject({ received: cents(20) })
  })
})

describe('a donor whose disk fails', () => {
  it('gives nothing away that it could not write, nor anything after', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    ironwood.level.failWrites()
    await expect(ironwood.budget.grant(asking(walnut, 20))).rejects.toMatchObject({ code: 'FROZEN' })
    await expect(ironwood.budget.grant(asking(walnut, 20))).rejects.toMatchObject({ code: 'FROZEN' })
    expect(ironwood.facts.filter(({ type }) => type === 'granted')).toEqual([])
    await ironwood.restart()
    expect(period(ironwood.budget, DAY)).toMatchObject({ granted: 0n, available: cents(150) })
  })
})

describe('a request is refused', () => {
  it.each<[string, (mesh: Mesh) => GrantRequest]>([
    [
      'not-a-member',
      ({ home }) =>
        asking(home('walnut'), 1, [DAY], {
          to: {
            account: { peer: signerNamed('x').peer, incarnation: '7'.repeat(32) as never },
            boot: bootOf(home('walnut')),
          },
        }),
    ],
    ['own', ({ home }) => asking(home('ironwood'), 1)],
    ['bad-request', ({ home }) => asking(home('walnut'), 1, [DAY, DAY])],
    ['bad-request', ({ home }) => asking(home('walnut'), 1, [])],
    ['bad-request', ({ home }) => asking(home('walnut'), 1, ['a:architect:2026-11-22' as Period])],
    ['wrong-period', ({ home }) => asking(home('walnut'), 1, ['d:2026-11-25' as Period, `t:${thread(5)}` as Period])],
  ])('%s (%#)', async (code, request) => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const { budget, level } = mesh.home('ironwood')
    const before = new Map(level.synced)
    expect(await budget.grant(request(mesh))).toMatchObject({ status: 'refused', code })
    expect(level.synced).toEqual(before)
  })

  it('when a newer opening asked before, or another drew the same number', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    const { account } = walnut
    const boot = (counter: number, digit: string) => ({ counter, nonce: digit.repeat(32) as never })
    const by = (to: Grant['boot']) => ironwood.budget.grant(asking(walnut, 1, [DAY], { to: { account, boot: to } }))
    expect(await by(boot(5, '5'))).toMatchObject({ status: 'granted' })
    expect(await by(boot(4, '4'))).toMatchObject({ code: 'old-boot' })
    expect(await by(boot(5, '6'))).toMatchObject({ code: 'old-boot' })
    expect(await by(boot(6, '6'))).toMatchObject({ status: 'granted' })
  })

  it('when one peer asks more often than it has reason to', async () => {
    const { home, clock } = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    const results = []
    for (let index = 0; index < 250; index += 1) results.push(await ironwood.budget.grant(asking(walnut, 1)))
    expect(results.filter((one) => one.status === 'refused' && one.code === 'too-often')).toHaveLength(10)
    clock.ms += 1_000
    expect(await ironwood.budget.grant(asking(walnut, 1))).toMatchObject({ status: 'granted' })
  })
})

describe('an account that is attested to be gone', () => {
  const change = (first: Mesh['manifest'], [, gone]: readonly Home['account'][]): Mesh['manifest'] => {
    const closed = [{ account: gone, fromDay: DAY, fromMonth: 'm:2026-12', attestedBy: signerNamed('walnut').peer }]
    const body = { ...first.manifest, version: 2, prevHash: Uint8Array.from(first.hash), closed }
    return openManifest(sealManifest(body as never, first.mesh, signerNamed('owner')), first.mesh)
  }

  it('of a machine that is no member any more is not told to be adopted again', async () => {
    const removed = (...[first, accounts]: Parameters<typeof change>): Mesh['manifest'] => {
      const { manifest, mesh } = change(first, accounts)
      const members = manifest.members.filter(({ peer }) => peer !== accounts[1]?.peer)
      return openManifest(sealManifest({ ...manifest, members }, mesh, signerNamed('owner')), mesh)
    }
    const mesh = await openMesh(['walnut', 'ironwood'], { change: removed })
    const refusal = await mesh.home('ironwood').budget.reserve(callOf(1, 'a'))
    expect(refusal).toMatchObject({
      by: 'closed',
      reason: expect.stringMatching(/^the mesh's owner has removed this machine/),
    })
  })

  it('freezes when it reads it, and nothing of it counts for the periods that were given to others', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'], { change })
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    expect(await ironwood.budget.reserve(callOf(1, 'a'))).toMatchObject({
      ...{ status: 'refused', by: 'closed' },
      reason: expect.stringContaining('run "bzzz budget new-ledger", start it again and have it adopted'),
    })
    expect(await ironwood.budget.grant(asking(walnut, 1))).toMatchObject({ code: 'closed' })
    expect(await walnut.budget.grant(asking(ironwood, 1))).toMatchObject({ code: 'closed' })
    const body = { v: 1, from: ironwood.account, boot: bootOf(ironwood), cumulative: cents(1) } as const
    const to = { account: walnut.account, boot: bootOf(walnut) }
    const grant = (of: Period, seq: number) =>
      sealGrant({ ...body, to, period: of, seq }, mesh.manifest.mesh, ironwood.signer)
    expect(await walnut.budget.credit(grant(DAY, 1))).toMatchObject({ code: 'closed' })
    expect(await walnut.budget.credit(grant(MONTH, 2))).toMatchObject({ status: 'credited' })
  })

  it('is known to be by the newest manifest, acknowledged or not', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    const newest = change(mesh.manifest, [walnut.account, ironwood.account])
    await walnut.restart({ manifest: () => newest, contested: () => true })
    const ack = openAck(walnut.budget.ack() ?? new Uint8Array(), mesh.manifest.mesh)
    expect(ack.version).toBe(1)
    expect(await walnut.budget.grant(asking(ironwood, 1))).toMatchObject({ code: 'closed' })
    const [grant = new Uint8Array()] = await granted(ironwood, asking(walnut, 1))
    expect(await walnut.budget.credit(grant)).toMatchObject({ code: 'closed' })
  })
})

describe('what a call holds', () => {
  it('comes back to the donor as it comes back to anybody', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [home('walnut'), home('ironwood')]
    const call = await reserved(ironwood.budget, callOf(150, 'a'))
    expect(await ironwood.budget.grant(asking(walnut, 30))).toMatchObject({ code: 'nothing' })
    await ironwood.budget.sent(call)
    await ironwood.budget.settle(call, answer(100))
    expect(await ironwood.budget.grant(asking(walnut, 30))).toMatchObject({ status: 'granted' })
  })
})
