import { expect, it } from 'vitest'
import { nodeToAsk } from './node-to-ask.ts'

it.each([
  [['budget', 'why', 'walnut'], /^bzzz: about: the id of a thread, a turn or a call/],
  [['thread', 'show', '01937c3e-5a70-7000-8000-000000000000'], /"bzzz threads" lists/],
])('what the node refuses is said in the words of the command line: %j', async (args, words) => {
  const { ask } = await nodeToAsk()
  const { err } = await ask(...args)
  expect(err[0]).toMatch(words)
  expect(err.join()).not.toMatch(/querystring|params|body\/|GET \/|\/api\//)
})

it('leaving tells periods and amounts as every other command does', async () => {
  const { ask, world } = await nodeToAsk()
  world.manifest.given = 12_500_000n
  expect((await ask('leave', '--yes')).out).toContain('  ironwood was given $0.0125 of 2026-11-22')
})
