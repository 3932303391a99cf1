import { expect, test } from 'vitest'
import { createPenalties } from '../../src/sync/penalties.ts'

const MINUTE_MS = 60_000

test('a few faults are forgiven, five within a minute are not', () => {
  const penalties = createPenalties()
  for (let i = 0; i < 20; i++) expect(penalties.fault('slow', i * 20_000)).toBe(0)
  const given = [0, 1, 2, 3, 4].map((ms) => penalties.fault('fast', ms))
  expect(given).toEqual([0, 0, 0, 0, MINUTE_MS])
  expect(penalties.waits('fast', 10)).toBe(MINUTE_MS - 6)
  expect(penalties.waits('slow', 10)).toBe(0)
})

test('each further time is twice as long, up to ten minutes, until it has behaved for as long', () => {
  const penalties = createPenalties()
  const fall = (atMs: number) => [0, 1, 2, 3, 4].map(() => penalties.fault('token', atMs)).at(-1)
  let nowMs = 0
  const lasted = Array.from({ length: 6 }, () => {
    const ms = fall(nowMs) ?? 0
    nowMs += ms + 1
    return ms / MINUTE_MS
  })
  expect(lasted).toEqual([1, 2, 4, 8, 10, 10])
  expect(fall(nowMs + 11 * MINUTE_MS)).toBe(MINUTE_MS)
})
