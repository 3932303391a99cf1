import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Choice, choices } from './choices.ts'
import { type MeshToKill, openMeshToKill } from './mesh-to-kill.ts'
import { POINTS } from './point-names.ts'
import { expectNothingLost, playRounds, seed, tableOf } from './run.ts'

let mesh: MeshToKill

beforeAll(async () => {
  mesh = await openMeshToKill()
})

afterAll(() => mesh?.close())

// All points fit in, with time to spare, unless the machine is busy with much else.
const TIME_FOR_ROUNDS_MS = 45_000

test(`a node that is killed at any point loses nothing it acknowledged, and pays for nothing twice (seed ${seed})`, async () => {
  const played = await playRounds(mesh, until(performance.now() + TIME_FOR_ROUNDS_MS))
  await expectNothingLost(mesh, played)
  expect(played.filter(({ hit }) => hit).length, tableOf(played)).toBeGreaterThan(played.length / 2)
}, 120_000)

function* until(endMs: number): Iterable<Choice> {
  for (const choice of choices(seed, POINTS.length)) if (performance.now() < endMs) yield choice
}
