import { test } from 'vitest'
import { withstandMember } from './mesh.ts'
import { seed } from './seed.ts'

test(`ten thousand hostile inputs of a member, over its link and gossip, leave threads as they were (seed ${seed})`, async () => {
  process.stdout.write(`${await withstandMember(10_000, seed)}\n`)
})
