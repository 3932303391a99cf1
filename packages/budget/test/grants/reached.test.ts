import type { Period } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { callOf } from '../bench.ts'
import { cents, type Home, type Mesh, openMesh } from './mesh.ts'

/** Nothing fails here: then money that is left anywhere is not denied to a call that it would pay for. */
const NAMES = ['walnut', 'ironwood', 'acacia', 'elm']

interface Wish {
  readonly home: number
  readonly cents: number
  readonly gapMs: number
}

const wish: fc.Arbitrary<Wish> = fc.record({
  home: fc.nat({ max: NAMES.length - 1 }),
  cents: fc.integer({ min: 1, max: 150 }),
  gapMs: fc.constantFrom(0, 0, 7, 2_000),
})

async function run(wishes: readonly Wish[]): Promise<void> {
  const mesh = await openMesh(NAMES, { limits: { day: cents(500), month: cents(400) } })
  const patience = new AbortController()
  const calls = wishes.map((one, index) => {
    mesh.clock.ms += one.gapMs
    return homeOf(mesh, one).budget.reserve(callOf(one.cents, `call-${index}`), patience.signal)
  })
  await rest()
  for (let round = 0; round < 10 && isAnyoneWaiting(mesh); round += 1) {
    mesh.gossip()
    await Promise.all(mesh.homes.map((home) => mesh.seek(home)))
    await rest()
  }
  expectNobodyDenied(mesh)
  expect(held(mesh, 'd:2026-11-22' as Period)).toBeLessThanOrEqual(cents(500))
  expect(held(mesh, 'm:2026-11' as Period)).toBeLessThanOrEqual(cents(400))
  patience.abort()
  await Promise.all(calls)
  for (const home of mesh.homes) await home.verify()
}

function isAnyoneWaiting({ homes }: Mesh): boolean {
  return homes.some(({ budget }) => budget.waiting().calls.length > 0)
}

function homeOf({ homes }: Mesh, { home }: Wish): Home {
  const found = homes[home]
  if (found === undefined) throw new Error('no such home')
  return found
}

async function rest(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

function held({ homes }: Mesh, period: Period): bigint {
  const lines = homes.flatMap(({ budget }) => budget.report().periods.filter((line) => line.period === period))
  return lines.reduce<bigint>((sum, line) => sum + line.held, 0n)
}

function left({ homes }: Mesh, period: Period): bigint {
  const lines = homes.flatMap(({ budget }) => budget.spare().filter((rights) => rights.period === period))
  return lines.reduce<bigint>((sum, { amount }) => sum + amount, 0n)
}

function expectNobodyDenied(mesh: Mesh): void {
  for (const home of mesh.homes) {
    for (const { claim } of home.budget.waiting().calls) {
      const short = claim.periods.filter((period) => left(mesh, period) < claim.max)
      expect(short, `${home.name} waits for ${claim.max}`).not.toEqual([])
    }
  }
}

describe('calls at all nodes, more than the limit pays for', () => {
  it('are admitted until what is left anywhere pays for none of those that wait', async () => {
    await fc.assert(fc.asyncProperty(fc.array(wish, { minLength: 3, maxLength: 14, size: 'max' }), run), {
      numRuns: 25,
    })
  })
})
