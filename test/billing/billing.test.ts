import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seed } from '../crash/run.ts'
import { CAP, spendCapped } from './capped.ts'
import { LIMIT, playRounds } from './rounds.ts'
import { openTrio, type Trio } from './trio.ts'

// On a busy machine; else a few seconds.
const PATIENCE_MS = 180_000

describe(`three processes that are billed (seed ${seed})`, { timeout: PATIENCE_MS }, () => {
  let trio: Trio
  beforeAll(async () => {
    trio = await openTrio(1)
  }, PATIENCE_MS)
  afterAll(() => trio?.close())

  it("stay within a thread's cap while none knows of another, and use it up together", async () => {
    const { parted, whole } = await spendCapped(trio, 'capped')
    expect(parted).toBeLessThanOrEqual((CAP * 2n) / 5n)
    expect(whole).toBeGreaterThanOrEqual((CAP * 90n) / 100n)
  })

  it('stay within the limit while they are cut off and killed, and use it up', async () => {
    const { billed, booked, before } = await playRounds(trio, { rounds: 1, tokens: 450, seed })
    expect(before.booked + before.uncertain).toBeGreaterThanOrEqual((LIMIT * 97n) / 100n)
    expect(billed).toBeGreaterThanOrEqual((LIMIT * 97n) / 100n)
    expect(booked).toBe(billed)
  })
})
