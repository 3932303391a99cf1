import { expect, test } from 'vitest'
import { createHeadroom } from '../src/headroom.ts'

const MIB = 1024 * 1024

function growthsOf(changes: readonly number[]): number {
  let grown = 0
  const headroom = createHeadroom((bytes) => {
    grown += bytes
  })
  for (const bytes of changes) headroom.use(bytes)
  return grown / MIB
}

test('few changes make no room', () => {
  expect(growthsOf(Array(15).fill(MIB))).toBe(0)
})

test('many make it in large steps, ahead of what they will take', () => {
  const before = growthsOf(Array(16).fill(MIB))
  const after = growthsOf(Array(16 + 60).fill(MIB))
  expect(after - before).toBeGreaterThanOrEqual(2.5 * 60)
  expect(after - before).toBeLessThanOrEqual(4 * 60)
})

test('one that is larger than a step makes one step', () => {
  expect(growthsOf([100 * MIB])).toBe(16)
})
