import { expect, test } from 'vitest'
import { seed } from '../crash/run.ts'
import { LIMIT, playRounds } from './rounds.ts'
import { openTrio } from './trio.ts'

test(`what is billed stays within the limit while nodes are cut off and killed (seed ${seed})`, async () => {
  const trio = await openTrio(1)
  try {
    const { billed, before } = await playRounds(trio, 2, seed)
    expect(before.billed + before.uncertain).toBeGreaterThanOrEqual((LIMIT * 97n) / 100n)
    expect(billed).toBeGreaterThanOrEqual((LIMIT * 97n) / 100n)
  } finally {
    await trio.close()
  }
})
