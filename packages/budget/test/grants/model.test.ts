import { type CallId, callIdOf, type NanoUsd, type Period, threadPeriod } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GrantRequest } from '../../src/grants/request.ts'
import { type Rules, SHIPPED_RULES } from '../../src/rules.ts'
import { splitCap } from '../../src/shares.ts'
import { answer, callOf, SKEW_MS, thread } from '../bench.ts'
import { isSame, movedIn, type Told, toldBy } from './ledgers.ts'
import { cents, type Home, type Mesh, openMesh } from './mesh.ts'

/**
 * Rights on the move: asked for, granted, sent twice, late, in any order or never, through power cuts in the middle of a
 * write, new openings and lost disks. What the provider bills is counted apart, from answers alone.
 */
const NAMES = ['walnut', 'ironwood', 'acacia']
const CAPPED = thread(1)
const HOUR = 3_600_000

type Action =
  | { type: 'call'; home: number; cents: number; capped: boolean }
  | { type: 'settle'; call: number; cents: number }
  | { type: 'ask'; home: number; donor: number; cents: number; cut: number | null }
  | { type: 'deliver'; message: number; cut: number | null }
  | { type: 'restart' | 'loseDisk' | 'resend'; home: number }
  | { type: 'wait'; ms: number }

const home = fc.nat({ max: NAMES.length - 1 })
const which = fc.nat({ max: 200 })
/** Mostly one of the newest, and now and then any. */
const message = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 4 }) }, { weight: 1, arbitrary: which })
const cut = fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat({ max: 8 }) })
const amount = fc.integer({ min: 1, max: 120 })
const wish = fc.integer({ min: 1, max: 30 })
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('call' as const), home, cents: amount, capped: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('settle' as const), call: which, cents: amount }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('ask' as const), home, donor: home, cents: wish, cut }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('deliver' as const), message, cut }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('restart' as const, 'restart' as const, 'resend' as const), home }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('loseDisk' as const), home }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('wait' as const),
      ms: fc.constantFrom(1_000, 12 * HOUR - 30_000, 60_000),
    }),
  },
)

interface World {
  readonly mesh: Mesh
  /** Sealed grants that left somebody; any of them may arrive, at any time and any number of times. */
  readonly messages: { readonly to: string; readonly grant: Uint8Array }[]
  /** What the provider billed: the highest cost from the moment of sending, then what it was. */
  readonly billed: {
    readonly home: Home
    readonly call: CallId
    readonly account: string
    amount: bigint
    periods: readonly Period[]
  }[]
  /** Ledgers of disks that were lost. */
  readonly vanished: Told[]
}

async function run(actions: readonly Action[], skews: readonly number[], rules: Rules): Promise<void> {
  const limits = { day: cents(300), month: cents(500) }
  const mesh = await openMesh(NAMES, { rules, skews, limits })
  const world: World = { mesh, messages: [], billed: [], vanished: [] }
  const cap = splitCap(
    cents(200),
    mesh.homes.map(({ account }) => ({ account, weight: 1 })),
  )
  const openThread = ({ budget }: Home): Promise<void> => budget.openThread(CAPPED, cap)
  for (const one of mesh.homes) await openThread(one)
  for (const [index, next] of actions.entries()) {
    await perform(world, next, index, openThread)
    checkLimits(world, limits)
  }
  await deliverAll(world)
  checkNothingLost(world)
  for (const one of mesh.homes) await one.verify()
}

async function perform(
  world: World,
  action: Action,
  index: number,
  openThread: (home: Home) => Promise<void>,
): Promise<void> {
  const { mesh, messages, vanished } = world
  if (action.type === 'wait') {
    mesh.clock.ms += action.ms
    for (const { budget } of mesh.homes) budget.witnessTime(mesh.clock.ms)
    return
  }
  if (action.type === 'settle') return settle(world, action)
  if (action.type === 'deliver') {
    const message = messages.at(-1 - (action.message % Math.max(1, messages.length)))
    const to = message && mesh.home(message.to)
    if (message === undefined || to === undefined) return
    return cutAfter(to, to.budget.credit(message.grant), action.cut, openThread).then(() => undefined)
  }
  const one = mesh.homes[action.home]
  if (one === undefined) throw new Error('no such home')
  switch (action.type) {
    case 'call':
      return call(world, one, action, index)
    case 'ask':
      return ask(world, one, action, openThread)
    case 'resend':
      for (const to of mesh.homes) {
        for (const grant of one.budget.grantsTo(to.account)) messages.push({ to: to.name, grant })
      }
      return
    case 'restart':
      await one.restart()
      return openThread(one)
    case 'loseDisk':
      vanished.push(toldBy(one.account, one.level.synced))
      await one.loseDisk()
      return openThread(one)
  }
}

async function call(
  { billed }: World,
  one: Home,
  { cents: most, capped }: Extract<Action, { type: 'call' }>,
  index: number,
): Promise<void> {
  const request = callOf(most, `call-${index}`, { thread: capped ? CAPPED : null, send: true })
  const reservation = await one.budget.reserve(request)
  if (reservation.status !== 'reserved') return
  const id = callIdOf(request.turn, 0, 0)
  const periods = (await one.budget.call(id))?.periods ?? []
  billed.push({ home: one, call: id, account: one.account.incarnation, amount: reservation.max, periods })
}

async function settle({ billed }: World, action: Extract<Action, { type: 'settle' }>): Promise<void> {
  const bill = billed[action.call % Math.max(1, billed.length)]
  if (bill === undefined || bill.home.account.incarnation !== bill.account) return
  const state = await bill.home.budget.call(bill.call)
  if (state === undefined || state.state === 'settled') return
  const most = Number(state.max / cents(1))
  const settled = await bill.home.budget.settle(bill.call, answer(Math.min(action.cents, most)))
  bill.amount = settled.actual ?? bill.amount
}

/** The asker says the truth about what it has; how much it says it lacks is anybody's guess. */
async function ask(
  { mesh, messages }: World,
  one: Home,
  { donor: from, cents: wish, cut: after }: Extract<Action, { type: 'ask' }>,
  openThread: (home: Home) => Promise<void>,
): Promise<void> {
  const donor = mesh.homes[from]
  if (donor === undefined || donor === one) return
  const granting = await cutAfter(donor, donor.budget.grant(requestOf(one, donor, wish)), after, openThread)
  // After a power cut nothing leaves: what was granted by then is lost on the way.
  if (granting?.status === 'granted') for (const grant of granting.grants) messages.push({ to: one.name, grant })
}

function requestOf(one: Home, donor: Home, wish: number): GrantRequest {
  const told = toldBy(one.account, one.level.synced)
  const periods = [...new Set([...one.budget.report().periods.map(({ period }) => period), threadPeriod(CAPPED)])]
  const boot = latestBoot(one)
  const needs = periods.map((period) => {
    const taken = told.moved.filter(({ kind, grant }) => {
      return (
        kind === 'credited' &&
        grant.period === period &&
        isSame(grant.from, donor.account) &&
        grant.to.boot.nonce === boot.nonce
      )
    })
    const credited = taken.reduce<bigint>((sum, { amount: one }) => sum + one, 0n) as NanoUsd
    return { period, least: cents(wish), want: cents(2 * wish), credited }
  })
  return { to: { account: one.account, boot }, sinceMs: 0, perSecond: 0, needs }
}

function latestBoot({ level }: Home): GrantRequest['to']['boot'] {
  const boots = [...level.synced].filter(([key]) => /(^|\W)n\/[0-9a-f]{32}$/.test(key))
  const counted = boots.map(([key, value]) => {
    return { counter: Number(Buffer.from(value).toString()), nonce: key.slice(-32) as never }
  })
  return counted.reduce((best, boot) => (boot.counter > best.counter ? boot : best))
}

/** Takes the power after so many turns of the loop, or lets it be done. */
async function cutAfter<T>(
  one: Home,
  doing: Promise<T>,
  turns: number | null,
  openThread: (home: Home) => Promise<void>,
): Promise<T | undefined> {
  if (turns === null) return doing
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
  await one.restart()
  await doing
  await openThread(one)
  return undefined
}

function living({ mesh }: World): Told[] {
  return mesh.homes.map(({ account, level }) => toldBy(account, level.synced))
}

function periodsOf(ledgers: readonly Told[]): Set<Period> {
  return new Set(ledgers.flatMap(({ initial }) => [...initial.keys()]))
}

function billedIn({ billed }: World, period: Period, account?: string): bigint {
  const bills = billed.filter(
    (bill) => bill.periods.includes(period) && (account === undefined || bill.account === account),
  )
  return bills.reduce((sum, bill) => sum + bill.amount, 0n)
}

function limitIn(period: Period, limits: { readonly day: bigint; readonly month: bigint }): bigint {
  if (period.startsWith('d:')) return limits.day
  return period.startsWith('m:') ? limits.month : cents(200)
}

/** At every instant: what was billed and what anybody may still spend are within the limit. */
function checkLimits(world: World, limits: { readonly day: bigint; readonly month: bigint }): void {
  const ledgers = [...living(world), ...world.vanished]
  for (const period of periodsOf(ledgers)) {
    const available = world.mesh.homes.flatMap(({ budget }) => {
      return budget.report().periods.flatMap((line) => (line.period === period ? line.available : []))
    })
    const spendable = available.reduce<bigint>((sum, one) => sum + one, 0n)
    expect(billedIn(world, period) + spendable, period).toBeLessThanOrEqual(limitIn(period, limits))
    for (const donor of ledgers) {
      for (const receiver of ledgers) {
        const credited = movedIn(receiver, 'credited', period, donor.account)
        expect(credited).toBeLessThanOrEqual(movedIn(donor, 'granted', period, receiver.account))
      }
    }
  }
}

async function deliverAll({ mesh, messages }: World): Promise<void> {
  for (const from of mesh.homes) {
    for (const to of mesh.homes) for (const grant of from.budget.grantsTo(to.account)) await to.budget.credit(grant)
  }
  for (const { to, grant } of messages) await mesh.home(to).budget.credit(grant)
}

/** In the end all that was granted between accounts that live has arrived, and what is left is what was not billed. */
function checkNothingLost(world: World): void {
  const ledgers = living(world)
  for (const [index, one] of world.mesh.homes.entries()) {
    const told = ledgers[index]
    if (told === undefined) continue
    for (const { period, available, kind } of one.budget.report().periods) {
      if (kind === 'agent-day' || !told.initial.has(period)) continue
      const rights =
        (told.initial.get(period) ?? 0n) + movedIn(told, 'credited', period) - movedIn(told, 'granted', period)
      expect(available).toBe(rights - billedIn(world, period, one.account.incarnation))
      for (const other of ledgers) {
        // A day that was over before its first grant arrived is never opened: what was given in it is of no use to anybody.
        if (!other.initial.has(period)) continue
        expect(movedIn(told, 'granted', period, other.account)).toBe(movedIn(other, 'credited', period, one.account))
      }
    }
  }
}

const actions = fc.array(action, { minLength: 10, maxLength: 50, size: 'max' })
const skews = fc.constantFrom([0, 0, 0], [SKEW_MS / 2, 0, -SKEW_MS / 2])

describe('rights that move in whatever way', () => {
  it('never add up to more than the limit, and nothing is lost but what a vanished account held', async () => {
    await fc.assert(
      fc.asyncProperty(actions, skews, (list, ahead) => run(list, ahead, SHIPPED_RULES)),
      { numRuns: 30 },
    )
  })

  it.each<[string, Partial<Rules>]>([
    ['creditTwice: a grant adds all that it tells, not what is new in it', { amountOf: (cumulative) => cumulative }],
    ['bootBlind: a grant counts for whichever opening is there', { bootOf: (_, current) => current }],
  ])('would be noticed with another rule, %s', async (_, mutant) => {
    const property = fc.asyncProperty(actions, skews, (list, ahead) =>
      run(list, ahead, { ...SHIPPED_RULES, ...mutant }),
    )
    const { failed } = await fc.check(property, { numRuns: 300, seed: 20261122, endOnFailure: true })
    expect(failed).toBe(true)
  })
})
