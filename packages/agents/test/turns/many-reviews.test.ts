import type { EntryOf } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { turnOfLoop, until } from '../fakes/clock.ts'
import { House } from '../fakes/house.ts'
import { agreeable, scriptedProvider } from '../fakes/model.ts'
import { Shelf, threadNumber } from '../fakes/shelf.ts'
import { openEntry, peer } from '../fakes/world.ts'

let house: House
beforeEach(() => {
  house = new House(2)
})
afterEach(() => house.close())

const willing = () => scriptedProvider(({ task }) => agreeable(task))
const verdict: EntryOf<'verdict'> = {
  ...{ type: 'verdict', id: 'verdict-1', author: `system@${peer(1)}`, ts: 0, content: '' },
  ...{ outcome: 'escalated', round: 1, proposal: null, heads: [] },
}

describe('a node with many reviews', () => {
  it('opens after one look at each, though they never come to rest', async () => {
    const shelf = new Shelf(20)
    shelf.before = (thread) => {
      if (shelf.looks.length < 2_000) queueMicrotask(() => shelf.touch(thread))
    }
    await house.run(0, scriptedProvider(() => new Promise(() => undefined)).provider, { threads: shelf })
    expect(new Set(shelf.looks).size).toBe(20)
    expect(shelf.looks.length).toBeLessThan(100)
    house.abandon()
  })

  it('looks at each of them a number of times that does not grow with the others', async () => {
    const shelf = new Shelf(60)
    const slow = scriptedProvider(async ({ task }) => {
      await turnOfLoop(3)
      return agreeable(task)
    })
    await house.run(0, slow.provider, { threads: shelf })
    await until(() => shelf.decided === 60, 'all verdicts')
    expect(shelf.looks.length / 60).toBeLessThan(25)
  })

  it('takes their turns in the order in which they came', async () => {
    const shelf = new Shelf(10)
    const { provider, requests } = willing()
    await house.run(0, provider, { threads: shelf, limits: { concurrency: 1 } })
    await until(() => shelf.decided === 10, 'all verdicts')
    const phases = requests.map(({ task }) => task.phase)
    expect([0, 10, 20].map((from) => [...new Set(phases.slice(from, from + 10))])).toEqual([
      ['findings'],
      ['proposal'],
      ['vote'],
    ])
  })

  it('is not held up by one that waits in the line and cannot be read when its place is free', async () => {
    const shelf = new Shelf(5)
    shelf.before = (thread) => {
      if (thread === threadNumber(1) && shelf.looks.filter((look) => look === thread).length > 1)
        throw new Error('torn')
    }
    await house.run(0, willing().provider, { threads: shelf, limits: { concurrency: 1 } })
    await until(() => shelf.decided === 4, 'the other verdicts')
  })

  it('looks at those that are said to be over too, after the others', async () => {
    const shelf = new Shelf(4)
    for (const n of [0, 2]) shelf.at(threadNumber(n)).write({ ...verdict, author: `system@${peer(0)}` })
    await house.run(0, scriptedProvider(() => new Promise(() => undefined)).provider, { threads: shelf })
    await until(() => new Set(shelf.looks).size === 4, 'a look at each')
    expect(shelf.looks.slice(0, 2)).toEqual([threadNumber(1), threadNumber(3)])
    house.abandon()
  })
})

it('a review is taken up again though a member without a seat has said that it is over', async () => {
  house.world.node(0).write(openEntry(1))
  house.world.node(1).write(verdict)
  await house.run(0, willing().provider)
  await until(() => house.world.node(0).entries('verdict').length === 2, 'the verdict')
  expect(house.world.node(0).entries('vote')).toHaveLength(1)
})
