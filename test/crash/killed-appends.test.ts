import { expect, test } from 'vitest'
import { killWhileAppending } from './killed-appends.ts'
import { seed } from './run.ts'

/** Each way to die once. */
const ROUNDS = 6
// All fit in, unless the machine is busy with much else.
const TIME_FOR_ROUNDS_MS = 30_000

test(`a node that is killed while many append to it keeps all it acknowledged (seed ${seed})`, async () => {
  const { acknowledged } = await killWhileAppending(ROUNDS, seed, TIME_FOR_ROUNDS_MS)
  expect(acknowledged).toBeGreaterThan(0)
}, 120_000)
