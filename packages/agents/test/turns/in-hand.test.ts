import type { TurnId } from '@bzzz/protocols'
import { expect, it } from 'vitest'
import { createTurnsInHand, type Place } from '../../src/turns/in-hand.ts'
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
      left: () => ended.push(name),
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

it('a turn that waits gives its place to another, and has the next free one before any new turn', async () => {
  const inHand = createTurnsInHand(1)
  const free: string[] = []
  const turns = new Map<string, { place: Place; done: () => void }>()
  const begin = (name: string) =>
    inHand.begin({
      turn: name as TurnId,
      agent: agentAt(0),
      take: (place) => new Promise((done) => turns.set(name, { place, done })),
      left: () => free.push(name),
    })
  expect(begin('a')).toBe(true)
  await turnOfLoop()
  turns.get('a')?.place.leave()
  turns.get('a')?.place.leave()
  expect(free).toEqual(['a'])
  expect([inHand.has('a' as TurnId), inHand.count(agentAt(0)), inHand.away(agentAt(0))]).toEqual([true, 0, 1])
  expect(begin('b')).toBe(true)
  await turnOfLoop()
  let back = false
  const coming = turns
    .get('a')
    ?.place.comeBack()
    .then(() => (back = true))
  await turnOfLoop()
  expect(back).toBe(false)
  turns.get('b')?.done()
  await coming
  expect([begin('c'), inHand.count(agentAt(0))]).toEqual([false, 1])
  turns.get('a')?.done()
  await inHand.idle()
})
