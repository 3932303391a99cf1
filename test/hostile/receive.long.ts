import { test } from 'vitest'
import { withstand } from './receive.ts'
import { seed } from './seed.ts'

test(`ten thousand hostile inputs leave threads as they were (seed ${seed})`, async () => {
  process.stdout.write(`${await withstand(10_000, seed)}\n`)
})
