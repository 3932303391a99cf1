import { expect, test } from 'vitest'
import { seed } from '../crash/run.ts'
import { CAP, spendCapped } from './capped.ts'
import { LIMIT, playRounds } from './rounds.ts'
import { openTrio } from './trio.ts'

const GAMES = 5
const ROUNDS = 10

for (let game = 0; game < GAMES; game++) {
  const own = seed + game
  test(`what is billed stays within the limit over ${ROUNDS} rounds of cuts and kills (seed ${own})`, async () => {
    const trio = await openTrio(1)
    try {
      const capped = await spendCapped(trio, 'capped')
      expect(capped.whole).toBeGreaterThanOrEqual((CAP * 90n) / 100n)
      const outcome = await playRounds(trio, { rounds: ROUNDS, tokens: 150, seed: own })
      process.stdout.write(`${JSON.stringify({ seed: own, ...capped, ...outcome }, textOfBigints)}\n`)
      expect(outcome.before.booked + outcome.before.uncertain).toBeGreaterThanOrEqual((LIMIT * 97n) / 100n)
      expect(outcome.billed).toBeGreaterThanOrEqual((LIMIT * 97n) / 100n)
      expect(outcome.booked).toBe(outcome.billed)
    } finally {
      await trio.close()
    }
  })
}

function textOfBigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
