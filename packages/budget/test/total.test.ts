import { dayPeriod, openSlot, type Slot } from '@bzzz/protocols'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sumSlots } from '../src/slots/sum.ts'
import { callOf, NOON } from './bench.ts'
import { cents, found, openMesh } from './grants/mesh.ts'

const NAMES = ['walnut', 'ironwood', 'acacia']
const DAY = dayPeriod(NOON)
const home = fc.nat({ max: 2 })
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('call' as const), home, cents: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      home,
      donor: home,
      cents: fc.integer({ min: 1, max: 40 }),
      lost: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), home }) },
)

it('the interval holds what was charged, whichever slots are found, and closes when all are and nothing is on its way', async () => {
  const world = async (steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): Promise<void> => {
    const mesh = await openMesh(NAMES, { limits: { day: cents(300), month: cents(3_000) } })
    for (const [index, next] of steps.entries()) {
      const { budget, account, restart } = found(mesh.homes, ({ name }) => name === NAMES[next.home])
      if (next.do === 'restart') await restart()
      if (next.do === 'call') await budget.reserve(callOf(next.cents, `${index}`))
      if (next.do !== 'ask') continue
      const donor = found(mesh.homes, ({ name }) => name === NAMES[next.donor])
      const needs = [{ period: DAY, least: cents(next.cents), want: cents(next.cents), credited: 0n as never }]
      const to = { account, boot: openSlotOf(await budget.slots(), mesh.manifest.mesh)?.boot ?? FIRST }
      const granting = await donor.budget.grant({ to, sinceMs: NOON, perSecond: 0, needs })
      if (granting.status !== 'granted') continue
      for (const grant of granting.grants) if (!next.lost) await budget.credit(grant)
    }
    const told = await Promise.all(mesh.homes.map(({ budget }) => budget.slots()))
    const slots = told.flat().map(({ bytes }) => openSlot(bytes, mesh.manifest.mesh))
    const rows = mesh.homes.map(({ budget }) => found(budget.report().periods, ({ period }) => period === DAY))
    const charged = rows.reduce((sum, row) => sum + row.spent + row.held, 0n)
    const onItsWay = rows.reduce((sum, row) => sum + row.granted - row.received, 0n)
    for (let mask = 0; mask < 8; mask++) {
      const some = slots.filter(({ account }) => {
        return ((mask >> mesh.homes.findIndex((one) => one.account.peer === account.peer)) & 1) === 1
      })
      const total = sumSlots(mesh.manifest.manifest, DAY, some)
      expect(total.low <= charged && charged <= total.high).toBe(true)
      expect(total.high <= total.limit).toBe(true)
      if (total.missing.length > 0) continue
      // the slot that tells of a grant on its way no longer tells how much came before it
      expect(total.high - total.low >= onItsWay).toBe(true)
      if (onItsWay === 0n) expect(total.high).toBe(total.low)
    }
  }
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 20 }), world), { numRuns: 40, seed: 22 })
})

const FIRST = { counter: 1, nonce: '0'.repeat(32) as never }

function openSlotOf(own: readonly { bytes: Uint8Array }[], mesh: Parameters<typeof openSlot>[1]): Slot | undefined {
  const [one] = own
  return one && openSlot(one.bytes, mesh)
}
