import { expect, onTestFinished, test } from 'vitest'
import { choices } from './choices.ts'
import { openMeshToKill } from './mesh-to-kill.ts'
import { POINTS } from './point-names.ts'
import type { Played } from './round.ts'
import { expectNothingLost, playRounds, seed, tableOf } from './run.ts'

const ROUNDS = 200
/** A node that starts looks at all its threads once more: with few of them, a round is short. */
const ROUNDS_OF_A_MESH = 25

const all: Played[] = []
const rounds = choices(seed, ROUNDS)
const starts = rounds.flatMap(({ round }) => (round % ROUNDS_OF_A_MESH === 0 ? [round] : []))

test.each(starts)(
  `nothing acknowledged is lost and nothing paid for without a hold (seed ${seed}, from round %i)`,
  async (start) => {
    const mesh = await openMeshToKill()
    onTestFinished(() => mesh.close())
    const begunMs = performance.now()
    const played = await playRounds(mesh, rounds.slice(start, start + ROUNDS_OF_A_MESH))
    await expectNothingLost(mesh, played)
    all.push(...played)
    const seconds = Math.round((performance.now() - begunMs) / 1000)
    process.stdout.write(
      `${all.length} rounds; the last ${played.length} in ${seconds} s, ${mesh.billing.bills.length} requests billed\n`,
    )
  },
)

test('every point was passed', () => {
  process.stdout.write(`${tableOf(all)}\n`)
  const missed = POINTS.filter((point) => !all.some((played) => played.point === point && played.hit))
  expect(missed).toEqual([])
})
