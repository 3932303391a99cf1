import { MeshError } from '@bzzz/mesh'
import {
  type BudgetThing,
  dayPeriod,
  encodeCanonical,
  MAX_MANIFEST_BYTES,
  manifestKey,
  type NanoUsd,
  openSlot,
  type Period,
  ProtocolError,
  proveFork,
  slotKey,
} from '@bzzz/protocols'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  accountOf,
  ackBy,
  eve,
  grantBy,
  type HostilePlace,
  ironwood,
  mallory,
  nextOf,
  OTHER_MESH,
  openHostilePlace,
  openMallory,
  signedNext,
  slotBy,
  walnut,
} from './hostile-place.ts'

/** Whatever comes in at any door and is not what it should be: refused, counted, and nothing on disk has changed. */
let place: HostilePlace
beforeAll(async () => {
  place = await openHostilePlace()
  await place.budget.credit(grant(usd(1), 10))
  await place.mesh.putRecord(slotKeyOf(ironSlot()), ironSlot(), patience())
  await place.membership.receive(third().bytes, null)
  await shown() // seals the own sums
})
afterAll(() => place.close())
beforeEach(() => {
  place.refusals.length = 0
})

/** Alerts have a suite of their own. */
type Kind = Exclude<BudgetThing['kind'], 'alert'> | 'manifest'
type Door = 'record' | 'frame' | 'ledger' | 'membership' | 'counter'
const DOORS: Record<Kind, readonly Door[]> = {
  slot: ['record', 'frame', 'counter'],
  grant: ['frame', 'ledger'],
  fork: ['frame', 'ledger'],
  ack: ['frame'],
  leave: ['frame'],
  manifest: ['record', 'membership'],
}

const patience = () => ({ signal: AbortSignal.timeout(10_000) })
const usd = (dollars: number) => BigInt(dollars * 1_000_000_000) as NanoUsd
const mesh = () => place.first.mesh
const iron = accountOf(ironwood)
const ironSlot = (more = {}, signer = ironwood, to = mesh()) =>
  slotBy(signer, iron, { period: place.today, seq: 20, wallMs: 1, ...more }, to)
const toWalnut = () => ({ account: place.budget.account, boot: place.budget.boot })
const grant = (cumulative: NanoUsd, seq: number, more = {}, signer = ironwood, to = mesh()) =>
  grantBy(signer, { period: place.today, from: iron, to: toWalnut(), cumulative, seq, ...more }, to)
const third = () => nextOf(place.second, { thresholds: { warning: 700, critical: 900 } })
const fourth = (change = {}, how = {}) => signedNext(third(), change, how)
const fork = (one: Uint8Array, other: Uint8Array) => {
  const thing = (bytes: Uint8Array) => ({ kind: 'slot' as const, bytes: Uint8Array.from(bytes) })
  return encodeCanonical({ v: 1, first: thing(one), second: thing(other) })
}
const daysFromNow = (days: number) => dayPeriod(Date.now() + days * 86_400_000)
const bigger = (bytes: Uint8Array, to: number) => Buffer.concat([bytes, Buffer.alloc(to)])
const tampered = (bytes: Uint8Array) =>
  Uint8Array.from(bytes, (byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte))

/** What is wrong with it, of which kind it is, and whether it is passed over, as honest nodes send it too. */
const WRONG: readonly (readonly [what: string, kind: Kind, bytes: () => Uint8Array, passedOver?: 'passed over'])[] = [
  ['forged by another member', 'slot', () => ironSlot({ seq: 99 }, mallory)],
  ['altered on the way', 'slot', () => tampered(ironSlot({ seq: 99 }))],
  ['of another mesh', 'slot', () => ironSlot({ seq: 99 }, ironwood, OTHER_MESH)],
  ['of a removed member', 'slot', () => slotBy(eve, accountOf(eve), { period: place.today }, mesh())],
  ['too large', 'slot', () => bigger(ironSlot({ seq: 99 }), 200_000)],
  ['with something behind it', 'slot', () => bigger(ironSlot({ seq: 99 }), 1)],
  ['another kind of thing', 'slot', () => grant(usd(9), 99)],
  ['older', 'slot', () => ironSlot({ seq: 19 }), 'passed over'],
  ['contradicting the one that is here', 'slot', () => ironSlot({ reserved: usd(0.5) }), 'passed over'],
  ['forged by another member', 'grant', () => grant(usd(9), 99, {}, mallory)],
  ['altered on the way', 'grant', () => tampered(grant(usd(9), 99))],
  ['of another mesh', 'grant', () => grant(usd(9), 99, {}, ironwood, OTHER_MESH)],
  ['of a removed member', 'grant', () => grant(usd(9), 99, { from: accountOf(eve) }, eve)],
  ['too large', 'grant', () => bigger(grant(usd(9), 99), 2_000)],
  ['another kind of thing', 'grant', () => ironSlot({ seq: 99 })],
  ['to another account', 'grant', () => grant(usd(9), 99, { to: { ...toWalnut(), account: accountOf(mallory) } })],
  ['to an opening that never was', 'grant', () => grant(usd(9), 99, { to: { ...toWalnut(), boot: iron0 } })],
  ['of a day that is over', 'grant', () => grant(usd(1), 99, { period: daysFromNow(-9) })],
  ['of a day that is far ahead', 'grant', () => grant(usd(1), 99, { period: daysFromNow(400) })],
  ['of a thread that is not open here', 'grant', () => grant(usd(1), 99, { period: THREAD })],
  ['replayed', 'grant', () => grant(usd(1), 10)],
  ['older', 'grant', () => grant(usd(0.5), 9)],
  ['of more with a lower number', 'grant', () => grant(usd(3), 9)],
  ['of more than the limit of the mesh', 'grant', () => grant(usd(9), 99)],
  ['forged by another member', 'ack', () => ackBy(mallory, iron, place.second, mesh())],
  ['altered on the way', 'ack', () => tampered(ackBy(ironwood, iron, place.second, mesh()))],
  ['of another mesh', 'ack', () => ackBy(ironwood, iron, place.second, OTHER_MESH)],
  ['too large', 'ack', () => bigger(ackBy(ironwood, iron, place.second, mesh()), 50_000)],
  ['of a removed member', 'ack', () => ackBy(eve, accountOf(eve), place.second, mesh())],
  ['forged by another member', 'leave', () => ironSlot({ seq: 99, state: 'closed' }, mallory)],
  ['altered on the way', 'leave', () => tampered(ironSlot({ seq: 99, state: 'closed' }))],
  ['of another mesh', 'leave', () => ironSlot({ seq: 99, state: 'closed' }, ironwood, OTHER_MESH)],
  ['of an account that goes on', 'leave', () => ironSlot({ seq: 99 })],
  ['of two things that go together', 'fork', () => fork(ironSlot({ seq: 30 }), ironSlot({ seq: 31 }))],
  ['of the same thing twice', 'fork', () => fork(ironSlot(), ironSlot())],
  ['of a forged thing', 'fork', () => fork(ironSlot(), ironSlot({ wallMs: 5 }, mallory))],
  [
    'of another mesh',
    'fork',
    () => fork(ironSlot({}, ironwood, OTHER_MESH), ironSlot({ wallMs: 5 }, ironwood, OTHER_MESH)),
  ],
  ['too large', 'fork', () => fork(ironSlot(), bigger(ironSlot(), 250_000))],
  ['about manifests', 'fork', () => manifestFork()],
  ['forged by a member', 'manifest', () => fourth({}, { by: mallory })],
  ['with the owner replaced', 'manifest', () => fourth({ owner: Uint8Array.from(mallory.publicKey) }, { by: mallory })],
  ['altered on the way', 'manifest', () => tampered(fourth())],
  ['of another mesh', 'manifest', () => fourth({}, { mesh: OTHER_MESH })],
  ['too large', 'manifest', () => bigger(fourth(), MAX_MANIFEST_BYTES)],
  ['another kind of thing', 'manifest', () => ironSlot()],
  ['older', 'manifest', () => place.second.bytes, 'passed over'],
  ['the first one again', 'manifest', () => place.first.bytes, 'passed over'],
  ['one that follows none', 'manifest', () => fourth({ version: 9, prevHash: null })],
]

const iron0 = { counter: 1, nonce: iron.incarnation }
const THREAD = 't:0198c0de-0000-7000-8000-000000000001' as Period

function manifestFork(): Uint8Array {
  const [one, other] = [third().bytes, nextOf(place.second, { thresholds: { warning: 1, critical: 2 } }).bytes]
  const thing = (bytes: Uint8Array) => ({ kind: 'manifest' as const, bytes: Uint8Array.from(bytes) })
  return proveFork(thing(one), thing(other), mesh())?.bytes ?? new Uint8Array()
}

function slotKeyOf(bytes: Uint8Array): Uint8Array {
  try {
    const { period, account } = openSlot(bytes, mesh())
    return slotKey(mesh(), period, account)
  } catch (error) {
    if (error instanceof ProtocolError) return slotKey(mesh(), place.today, iron)
    throw error
  }
}

type Outcome = 'taken' | 'refused' | { readonly bug: unknown }

/** Refusals are what each door says them with: an error of the protocol, of the mesh's rules, or an answer. */
async function knock(door: Door, kind: Kind, bytes: Uint8Array): Promise<Outcome> {
  try {
    const answer = await through(door, kind, bytes)
    return answer !== null && typeof answer === 'object' && 'status' in answer && answer.status === 'refused'
      ? 'refused'
      : 'taken'
  } catch (error) {
    const isRefusal = error instanceof ProtocolError || (error instanceof MeshError && error.code === 'RECORD_REFUSED')
    return isRefusal ? 'refused' : { bug: error }
  }
}

async function through(door: Door, kind: Kind, bytes: Uint8Array): Promise<unknown> {
  const { budget, wires, membership, counter } = place
  switch (door) {
    case 'record':
      return await place.mesh.putRecord(kind === 'manifest' ? manifestKey(mesh()) : slotKeyOf(bytes), bytes, patience())
    case 'frame':
      return await wires.port.receive(
        { kind: kind as BudgetThing['kind'], bytes: Uint8Array.from(bytes) },
        mallory.peer,
      )
    case 'ledger':
      return await (kind === 'fork' ? budget.noteFork(bytes) : budget.credit(bytes))
    case 'membership':
      return await membership.receive(bytes, mallory.peer)
    case 'counter':
      return counter.hear(bytes)
  }
}

const cases = WRONG.flatMap(([what, kind, bytes, passedOver]) =>
  DOORS[kind].map((door) => ({ what, kind, bytes, passedOver, door })),
)

describe('at each door', () => {
  it.each(cases)('a $kind that is $what changes nothing ($door)', async ({ kind, bytes, passedOver, door }) => {
    const before = await place.state()
    const total = await shown()
    const outcome = await knock(door, kind, bytes())
    expect(outcome).toBeOneOf(['refused', 'taken'])
    expect(await place.state()).toBe(before)
    expect(await shown()).toEqual(total)
    if (passedOver === undefined) expect({ outcome, told: place.refusals }).toSatisfy(isCounted)
  })
})

/** What it comes with counts an error as a refused frame; the ledger tells of its own refusals. */
function isCounted({ outcome, told }: { outcome: Outcome; told: readonly string[] }): boolean {
  return outcome === 'refused' || told.length > 0
}

async function shown() {
  const { low, missing } = await place.counter.total(place.today, patience())
  const { value } = { value: await place.mesh.getRecord(slotKey(mesh(), place.today, iron), patience()) }
  return {
    low,
    missing,
    record: value && Buffer.from(value).toString('hex'),
    version: place.membership.newest().manifest.version,
  }
}

const SEED = Number(process.env.BZZZ_TEST_SEED ?? 20_261_122)

it('a second manifest of one number does not replace the first, in the DHT as on disk', async () => {
  const other = nextOf(place.second, { thresholds: { warning: 1, critical: 2 } }).bytes
  expect(await knock('record', 'manifest', third().bytes)).toBe('taken')
  expect(await knock('record', 'manifest', other)).toBe('refused')
  expect(place.refusals).toContain('record-refused: CONTRADICTION')
  expect(await knock('membership', 'manifest', other)).toBe('taken') // remembered, since only a version that names both heals it
  expect(place.membership.newest().bytes).toEqual(third().bytes)
})

describe('genuine things with a few bytes changed', () => {
  const genuine: Record<Kind, () => Uint8Array> = {
    slot: () => ironSlot({ seq: 99 }),
    grant: () => grant(usd(0.25), 99),
    fork: () => fork(ironSlot({ seq: 50 }), ironSlot({ seq: 50, wallMs: 7 })),
    ack: () => ackBy(ironwood, iron, place.second, mesh()),
    leave: () => ironSlot({ seq: 99, state: 'closed' }),
    manifest: () => fourth(),
  }
  const change = fc.record({
    at: fc.nat(),
    with: fc.uint8Array({ minLength: 1, maxLength: 9 }),
    how: fc.constantFrom('overwrite' as const, 'insert' as const, 'cut' as const, 'repeat' as const, 'end' as const),
  })
  const kinds = Object.keys(DOORS) as Kind[]

  it('are refused everywhere, and nothing but refusals comes of them', { timeout: 60_000 }, async () => {
    const before = await place.state()
    const total = await shown()
    const all = fc.record({
      kind: fc.constantFrom(...kinds),
      changes: fc.array(change, { minLength: 1, maxLength: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(all, async ({ kind, changes }) => {
        const whole = genuine[kind]()
        const bytes = changes.reduce(changed, whole)
        if (Buffer.compare(bytes, whole) === 0) return
        for (const door of DOORS[kind]) expect(await knock(door, kind, bytes)).toBe('refused')
      }),
      { numRuns: 400, seed: SEED },
    )
    expect(await place.state()).toBe(before)
    expect(await shown()).toEqual(total)
  })

  function changed(
    bytes: Uint8Array,
    { at, with: by, how }: { at: number; with: Uint8Array; how: string },
  ): Uint8Array {
    const place = at % bytes.length
    const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)]
    if (how === 'insert') return Buffer.concat([before, by, after])
    if (how === 'cut') return Buffer.concat([before, after.subarray(by.length)])
    if (how === 'repeat') return Buffer.concat([bytes.subarray(0, place + by.length), after])
    if (how === 'end') return before
    return Buffer.concat([before, by, after.subarray(by.length)]).subarray(0, bytes.length)
  }
})

describe('a member that signs what it likes', () => {
  it('can say of itself what it wants, and of nobody else anything', { timeout: 60_000 }, async () => {
    const own = accountOf(mallory)
    const amount = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map((nano) => nano as NanoUsd)
    const digit = fc.constantFrom(...'0123456789abcdef')
    const given = fc.record({ digit, member: fc.constantFrom(ironwood, mallory, eve, walnut), cumulative: amount })
    const lie = fc.record({
      ...{ initial: amount, reserved: amount, released: amount, overrun: amount },
      given: fc.array(given, { maxLength: 20 }),
      state: fc.constantFrom('open' as const, 'closed' as const, 'frozen' as const),
    })
    const before = await place.state()
    const iron = async () => {
      const { byAccount } = await place.counter.total(place.today, patience())
      return byAccount.find(({ account }) => account.peer === ironwood.peer && account.incarnation.startsWith('00'))
        ?.charged
    }
    const honest = await iron()
    let seq = 100
    await fc.assert(
      fc.asyncProperty(lie, async ({ given, ...counters }) => {
        const granted = given.map(({ digit, member, cumulative }) => {
          const account = accountOf(member, digit)
          return { account, boot: { counter: 1, nonce: account.incarnation }, cumulative, grant: new Uint8Array(32) }
        })
        const slot = slotBy(mallory, own, { period: place.today, seq: ++seq, ...counters, granted }, mesh())
        expect(await knock('frame', 'slot', slot)).toBe('taken')
        const { low, high, byAccount } = await place.counter.total(place.today, patience())
        expect(low <= high && byAccount.every(({ unspent, charged }) => unspent >= 0n && charged >= 0n)).toBe(true)
        expect(await iron()).toBe(honest)
      }),
      { numRuns: 40, seed: SEED },
    )
    expect(await place.state()).toBe(before)
  })

  it('over its link is counted, cut off, and after a few times not let in again', { timeout: 30_000 }, async () => {
    const { mesh: rogue, close } = await openMallory(place)
    const before = await place.state()
    const online = () => rogue.peers().some(({ peer, state }) => peer === walnut.peer && state === 'online')
    const refused = () => place.refusals.filter((words) => words.startsWith('frame-refused')).length
    const forged = Uint8Array.from(grant(usd(9), 99, {}, mallory))
    const isShunned = () => {
      // what it says while its link ends is lost
      if (online()) rogue.tellBudget({ kind: 'grant', bytes: forged })
      return place.refusals.some((words) => words.startsWith('peer-shunned'))
    }
    await vi.waitUntil(isShunned, { timeout: 25_000, interval: 20 })
    expect(refused()).toBeGreaterThan(8)
    expect(await place.state()).toBe(before)
    await close()
  })
})
