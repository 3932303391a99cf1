import { expect, test } from 'vitest'
import { duration } from '../../src/cli/review.ts'

test.each([
  ['60s', 60_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['30d', 2_592_000_000],
  ['1500ms', 1_500],
  ['2.5m', 150_000],
  ['7', 7_000],
  ['0', 0],
])('%s is read as %d ms', (text, ms) => {
  expect(duration(text)).toBe(ms)
})

test.each(['', 's', '-5s', '5 s', '1w', '1e3', '0x10', '5s5', 'Infinity'])('"%s" is refused', (text) => {
  expect(() => duration(text)).toThrow('a duration, e.g. 60s or 5m.')
})
