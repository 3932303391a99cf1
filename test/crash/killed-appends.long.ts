import { expect, test } from 'vitest'
import { killWhileAppending } from './killed-appends.ts'
import { seed } from './run.ts'

const ROUNDS = 20

test(`a node that is killed ${ROUNDS} times while many append to it keeps all it acknowledged (seed ${seed})`, async () => {
  const killed = await killWhileAppending(ROUNDS, seed)
  expect(killed.acknowledged).toBeGreaterThan(0)
  process.stdout.write(`${JSON.stringify(killed)}\n`)
})
