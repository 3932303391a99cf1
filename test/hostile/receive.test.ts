import { expect, test } from 'vitest'
import { withstand } from './receive.ts'
import { seed } from './seed.ts'

test(`a thousand hostile inputs leave threads as they were (seed ${seed})`, async () => {
  expect(await withstand(1_000, seed)).toContain('1000 inputs')
}, 120_000)
