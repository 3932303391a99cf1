import type { Period } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SIGNING_RULES, type SigningRules } from '../../src/manifest/reckoning.ts'
import { initialOf, limitOf } from '../../src/periods/rights.ts'
import { act, action, broken, skews } from './changes.ts'
import {
  change,
  createWorld,
  deliverAck,
  LATEST_SHARE,
  MACHINE_RULES,
  type MachineRules,
  takeVersion,
  type World,
} from './world.ts'

describe('whatever the owner changes', () => {
  it('no period may cost more than its limit', () => {
    const runs = { numRuns: 100, seed: 1 }
    expect(broken(SIGNING_RULES, MACHINE_RULES, runs)).toBeUndefined()
  })

  it.each<[string, SigningRules, MachineRules]>([
    [
      'an increase is signed before the decrease was acknowledged',
      { ...SIGNING_RULES, mayOpenWith: (told, since) => told ?? since.at(-1) ?? 0n },
      MACHINE_RULES,
    ],
    ['parts follow from the latest version alone', SIGNING_RULES, LATEST_SHARE],
    [
      'only mints of the last version count',
      { ...SIGNING_RULES, mintsListed: () => [], mintsCounted: (versions) => versions.at(-1) ?? [] },
      MACHINE_RULES,
    ],
  ])('is noticed when %s', (_, rules, machineRules) => {
    expect(broken(rules, machineRules, { numRuns: 400, seed: 1, endOnFailure: true })).toBeDefined()
  })
})

describe('when every account acknowledges what it hears', () => {
  it('its allotment reaches its part of the limit', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 10, maxLength: 40 }), skews, (actions, offs) => {
        const world = createWorld(offs)
        for (const one of actions) act(world, one)
        goOn(world)
        const { manifest } = world.book.versions.at(-1) ?? {}
        if (manifest === undefined) throw new Error('no manifest')
        const sum = manifest.weights.reduce((total, { weight }) => total + BigInt(weight), 0n)
        for (const period of ['d:2027-03-01', 'm:2027-03'] as Period[]) {
          const limit = limitOf(manifest, period) ?? 0n
          const given = manifest.weights.map(({ account }) => initialOf(manifest, account, period))
          expect(given).toEqual(manifest.weights.map(({ weight }) => (limit * BigInt(weight)) / sum))
        }
      }),
      { numRuns: 25, seed: 1 },
    )
  })
})

/** Whoever is gone is attested to be, and the others hear and acknowledge everything for a while. */
function goOn(world: World): void {
  for (const { name, account } of world.machines.filter(({ dead }) => dead)) {
    if (world.machines.some((machine) => machine.name === name && !machine.dead)) continue
    change(world, { kind: 'remove-member', peer: account.peer, how: 'attested' })
  }
  world.ms = Math.max(world.ms, Date.parse('2027-01-10T12:00:00Z'))
  for (let round = 0; round < 6; round += 1) {
    for (const machine of world.machines) takeVersion(world, machine, world.signed.at(-1) ?? machine.newest)
    for (const ack of world.acks) deliverAck(world, ack)
    change(world, { kind: 'advance' })
  }
}
