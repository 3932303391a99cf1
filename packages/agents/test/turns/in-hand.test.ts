import type { TurnId } from '@bzzz/protocols'
import { expect, it } from 'vitest'
import { createTurnsInHand } from '../../src/turns/in-hand.ts'
import { turnOfLoop } from '../fakes/clock.ts'
import { agentAt } from '../fakes/world.ts'

it('an agent takes a bounded number of turns at once, and each of them once', async () => {
  const inHand = createTurnsInHand(2)
  const finish: (() => void)[] = []
  const ended: string[] = []
  const begin = (name: string, n = 0) =>
    inHand.begin({
      turn: name as TurnId,
      agent: agentAt(n),
      take: () => new Promise((resolve) => finish.push(resolve)),
      ended: () => ended.push(name),
    })
  expect([begin('a'), begin('a'), begin('b'), begin('c')]).toEqual([true, false, true, false])
  expect(begin('d', 1)).toBe(true)
  await turnOfLoop()
  finish[0]?.()
  await turnOfLoop()
  expect(ended).toEqual(['a'])
  expect(inHand.count(agentAt(0))).toBe(1)
  expect(begin('c')).toBe(true)
  await turnOfLoop()
  for (const done of finish) done()
  await inHand.idle()
  expect(ended).toHaveLength(4)
})
