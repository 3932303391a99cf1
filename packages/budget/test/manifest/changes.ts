import fc from 'fast-check'
import type { SigningRules } from '../../src/manifest/reckoning.ts'
import {
  change,
  createWorld,
  deliverAck,
  excess,
  type MachineRules,
  machineNamed,
  memberNamed,
  NAMES,
  openPeriods,
  restoreKey,
  START,
  takeVersion,
  type World,
} from './world.ts'

/**
 * Manifests that change while accounts open periods: acks that are lost, repeated and reordered, clocks that differ, disks that are
 * lost, machines that join and go. What may ever be spent in a period stays within the limits that were in force for it.
 */
export type Action =
  | { type: 'limit'; dim: 'day' | 'month'; amount: number }
  | { type: 'advance' | 'restore' }
  | { type: 'join' | 'leave' | 'open' | 'lose' | 'adopt'; which: number }
  | { type: 'hear'; which: number; version: number }
  | { type: 'ack'; which: number }
  | { type: 'wait'; hours: number }
  | { type: 'edge'; minutes: number }

const which = fc.nat({ max: 9 })
const newest = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) })
const some = <T extends string>(type: T, weight: number) => ({
  weight,
  arbitrary: fc.record({ type: fc.constant(type), which }),
})
export const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('limit' as const),
      dim: fc.constantFrom('day' as const, 'day' as const, 'month' as const),
      amount: fc.constantFrom(30, 60, 90, 120, 900, 600),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ type: 'advance' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'restore' as const }) },
  some('join', 2),
  some('leave', 1),
  some('lose', 1),
  some('adopt', 2),
  some('open', 8),
  { weight: 8, arbitrary: fc.record({ type: fc.constant('hear' as const), which, version: newest }) },
  { weight: 7, arbitrary: fc.record({ type: fc.constant('ack' as const), which: newest }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('wait' as const), hours: fc.constantFrom(1, 6, 24) }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('edge' as const), minutes: fc.integer({ min: -200, max: 200 }) }),
  },
)
export const skews = fc.array(fc.constantFrom(-1, 0, 1), { minLength: 4, maxLength: 4 })

export function act(world: World, one: Action): void {
  const living = world.machines.filter(({ dead }) => !dead)
  const machine = (index: number) => living[index % living.length]
  switch (one.type) {
    case 'limit':
      change(world, { kind: 'limit', dim: one.dim, amount: BigInt(one.amount) as never })
      return
    case 'advance':
      change(world, { kind: 'advance' })
      return
    case 'restore':
      restoreKey(world)
      return
    case 'join': {
      const name = NAMES.find((label) => !world.machines.some((known) => known.name === label))
      const last = world.signed.at(-1)
      if (name === undefined || last === undefined) return
      const joining = machineNamed(name, 0, ((one.which % 3) - 1) * world.skewMs, last)
      if (change(world, { kind: 'add-member', member: memberNamed(name), account: joining.account }))
        world.machines.push(joining)
      return
    }
    case 'leave': {
      const leaving = machine(one.which)
      // It opens nothing any more before its owner is told.
      if (leaving === undefined || living.length < 2) return
      if (change(world, { kind: 'remove-member', peer: leaving.account.peer, how: 'left' })) leaving.dead = true
      return
    }
    case 'lose': {
      const losing = machine(one.which)
      if (losing !== undefined && living.length > 1) losing.dead = true
      return
    }
    case 'adopt': {
      const lost = world.machines.filter(({ dead }) => dead)
      const old = lost[one.which % Math.max(1, lost.length)]
      const last = world.signed.at(-1)
      if (old === undefined || last === undefined) return
      if (living.some(({ name }) => name === old.name)) return
      const again = machineNamed(old.name, world.machines.length, old.offMs, last)
      if (change(world, { kind: 'adopt', account: again.account })) world.machines.push(again)
      return
    }
    case 'open': {
      const opening = machine(one.which)
      if (opening !== undefined) openPeriods(world, opening)
      return
    }
    case 'hear': {
      const version = world.signed.at(-1 - one.version) ?? world.signed[0]
      const hearing = machine(one.which)
      if (hearing !== undefined && version !== undefined) takeVersion(world, hearing, version)
      return
    }
    case 'ack': {
      const ack = world.acks.at(-1 - one.which) ?? world.acks.at(-1)
      if (ack !== undefined) deliverAck(world, ack)
      return
    }
    case 'wait':
      world.ms += one.hours * 3_600_000
      return
    case 'edge': {
      const midnight = Math.ceil((world.ms - START + 12 * 3_600_000) / 86_400_000) * 86_400_000 + START - 12 * 3_600_000
      world.ms = Math.max(world.ms, midnight + one.minutes * 60_000)
      return
    }
  }
}

/** @returns what broke first; undefined when nothing did */
export function broken(
  rules: SigningRules,
  machineRules: MachineRules,
  runs: fc.Parameters<unknown>,
): string | undefined {
  const details = fc.check(
    fc.property(fc.array(action, { minLength: 20, maxLength: 60 }), skews, (actions, offs) => {
      const world = createWorld(offs, rules, machineRules)
      for (const one of actions) {
        act(world, one)
        const words = excess(world)
        if (words !== undefined) throw new Error(words)
      }
    }),
    runs as fc.Parameters<[Action[], number[]]>,
  )
  return details.failed ? fc.defaultReportMessage(details) : undefined
}
