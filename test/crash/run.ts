import { conversationsAnswer } from '@bzzz/protocols'
import { expect } from 'vitest'
import { faultsOf, readBookings } from './audit.ts'
import type { Choice } from './choices.ts'
import type { MeshToKill } from './mesh-to-kill.ts'
import type { NodeToKill } from './node-to-kill.ts'
import { POINTS } from './point-names.ts'
import { expectSameWords, type Played, playRound } from './round.ts'

const DEFAULT_SEED = 20_261_122
const PATIENCE = { timeout: 30_000, interval: 100 }

export const seed = Number(process.env.BZZZ_TEST_SEED ?? DEFAULT_SEED)

/** @throws naming the seed and the round, with which it is played again */
export async function playRounds(mesh: MeshToKill, rounds: Iterable<Choice>): Promise<Played[]> {
  const played: Played[] = []
  for (const choice of rounds) {
    try {
      played.push(await playRound(mesh, choice))
    } catch (cause) {
      const { round, victim, opener, point, nth } = choice
      const where = `seed ${seed}, round ${round}: ${victim} at ${point} (pass ${nth}), opened on ${opener}`
      const words = mesh.nodes.map((node) => `${node.label}: ${node.lastWords()}`)
      throw new Error([`${where}: ${(cause as Error).message}`, ...words].join('\n'), { cause })
    }
  }
  return played
}

/** What uses others goes before them. */
export const ROOMS_AS_THEY_CLOSE = ['agents', 'mesh', 'threads', 'budget', 'state']

/** Everything again, over all rounds: words while the nodes still run, then they are told to stop, and the ledgers are read. */
export async function expectNothingLost(
  mesh: MeshToKill,
  played: readonly Pick<Played, 'thread' | 'acknowledged'>[],
): Promise<void> {
  const where = `seed ${seed}`
  for (const each of played) await expectSameWords(mesh, each)
  for (const node of mesh.nodes) {
    // One that was opened and not acknowledged, in the last round perhaps, has its end coming too.
    await expect.poll(() => runningOn(node), { ...PATIENCE, message: `${where}: reviews on ${node.label}` }).toBe(0)
  }
  const ends = await Promise.all(mesh.nodes.map((node) => node.terminate()))
  for (const { code, closed } of ends) expect({ code, closed }, where).toEqual({ code: 0, closed: ROOMS_AS_THEY_CLOSE })
  const { billing, keyOf } = mesh
  for (const node of mesh.nodes) {
    const bookings = await readBookings(node.directory)
    const bills = billing.bills.filter(({ key }) => key === keyOf(node))
    expect(faultsOf(bookings, bills), `${where}: the ledger of ${node.label}`).toEqual([])
    const turns = [...Map.groupBy(bookings.values(), ({ turn }) => turn).values()]
    const longest = Math.max(...turns.map(({ length }) => length))
    expect(longest, `${where}: calls for one turn`).toBeLessThanOrEqual(MOST_CALLS_OF_A_TURN)
  }
}

async function runningOn({ client }: NodeToKill): Promise<number> {
  return (await client.get('agents', '/api/conversations?state=active', conversationsAnswer)).total
}

/** One, and one more for each crash in its review: its own round's, and one that came while a late vote was under way. */
const MOST_CALLS_OF_A_TURN = 3

/** How often each point was chosen, and how often the node did come by it in time. */
export function tableOf(played: readonly Played[]): string {
  const rows = POINTS.map((point) => {
    const rounds = played.filter((each) => each.point === point)
    const hits = rounds.filter(({ hit }) => hit)
    return `${point.padEnd(16)}${String(rounds.length).padStart(8)}${String(hits.length).padStart(8)}`
  })
  return [`${'point'.padEnd(16)}${'rounds'.padStart(8)}${'hit'.padStart(8)}`, ...rows].join('\n')
}
