import { expect, it } from 'vitest'
import { acacia, lineOf } from '../http/mesh-of-three.ts'
import { nodeToAsk } from './node-to-ask.ts'

it.each([['status'], ['budget', 'show'], ['owner', 'show']])(
  'a lost ledger is told of, with the command that gives its node a part again, by bzzz %s %s',
  async (...args) => {
    const { ask, world } = await nodeToAsk()
    world.accounts.due = ['acacia']
    const words =
      'acacia works with a new ledger, and has no part of the limits until this is said where the owner key is'
    expect((await ask(...args)).out).toContain(`${words}: bzzz budget adopt acacia`)
  },
)

it('a node that was removed says so, and promises no money', async () => {
  const { ask, world } = await nodeToAsk()
  world.accounts.member = false
  const { code, out } = await ask('status')
  expect(code).toBe(69)
  expect(out).toContain('walnut of lab: this node was removed from the mesh;')
  expect(out).toContain('budget    none (no member of a mesh)')
  expect(out).not.toContain('available')
})

it('the row of an account that was given up, and that of a node that is gone, say so', async () => {
  const { ask, world, budget, mesh } = await nodeToAsk()
  budget.running = [lineOf('day', 'd:2026-11-22', 33, 2.5, 0.25)]
  world.accounts.givenUp.add(budget.account.incarnation)
  mesh.statuses = mesh.statuses.filter(({ peer }) => peer !== acacia)
  world.accounts.gone.set(acacia, 'acacia')
  const { out } = await ask('budget', 'show')
  expect(out).toMatch(/^ +walnut \(ledger given up\) .*\$/m)
  expect(out).toMatch(/^ +acacia \(gone\) .*\$/m)
})
