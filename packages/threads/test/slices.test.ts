import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Slices } from '../src/slices.ts'

test('what fits into a slice is done at once, the rest in later turns of the event loop, all in order', async () => {
  let nowMs = 0
  const slices = new Slices(() => nowMs)
  const done: number[] = []
  const work = (n: number) => {
    nowMs += 3
    done.push(n)
    return n
  }
  const all = Promise.all([0, 1, 2, 3, 4, 5].map((n) => slices.run(() => work(n))))
  expect(done).toEqual([0, 1])
  expect(slices.waiting).toBe(4)
  await setImmediate()
  expect(done).toEqual([0, 1, 2, 3])
  expect(await all).toEqual([0, 1, 2, 3, 4, 5])
  expect(done).toEqual([0, 1, 2, 3, 4, 5])
})

test('work that fails is its own affair', async () => {
  const slices = new Slices()
  const fails = slices.run(() => {
    throw new RangeError('no')
  })
  await expect(fails).rejects.toThrow('no')
  expect(await slices.run(() => 'goes on')).toBe('goes on')
})
