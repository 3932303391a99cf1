import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findDecision } from '../../src/review/decision.ts'
import { doDuties, dueAt, reviewAt, say, turnsWritten } from '../fakes/seats.ts'
import { openEntry, World, type WorldNode } from '../fakes/world.ts'

/** Any schedule: who hears how much of whom, who takes a turn and says what, who believes whom alive, how late it is. */
const NODES = 3
const step = fc.record({
  at: fc.nat({ max: NODES - 1 }),
  /** Before it acts, the node hears this much of the others. */
  hears: fc.tuple(...Array.from({ length: NODES }, () => fc.constantFrom(0, 0, 5, 1_000))),
  does: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('turn' as const),
        findings: fc.constantFrom(0, 0, 0, 1),
        verified: fc.constantFrom(true, true, false),
        reviewed: fc.constantFrom(true, true, true, false),
        outcome: fc.constantFrom('approved' as const, 'changes_requested' as const),
        choice: fc.constantFrom(...Array.from({ length: 9 }, () => 'approve' as const), 'reject' as const),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('duty' as const),
        believesOpenerAlive: fc.boolean(),
        late: fc.boolean(),
      }),
    },
  ),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

function play(world: World, { at: n, hears, does }: Step, successors: boolean): void {
  const at = world.node(n)
  hears.forEach((upTo, other) => {
    at.hear(world.node(other), upTo)
  })
  if (at.read().entries.length === 0) return
  if (does.kind === 'turn') {
    const [due] = dueAt(at)
    if (due !== undefined) say(at, due, does)
    return
  }
  const openerAlive = does.believesOpenerAlive || !successors
  doDuties(at, { now: does.late ? 1_000_000 : 0, live: openerAlive ? world.nodes : world.nodes.slice(1) })
}

/** What the node's entries decide on votes alone. Only the node that moved can have a new view. */
function agreementAt(at: WorldNode): string | undefined {
  if (at.read().entries.length === 0) return undefined
  const decision = findDecision(reviewAt(at).record)
  return decision === undefined || decision.outcome === 'escalated' ? undefined : JSON.stringify(decision)
}

function standing(at: WorldNode): string {
  const { verdict, stage } = reviewAt(at)
  return JSON.stringify({ verdict, stage: stage.status === 'waiting' ? [stage.phase, stage.round] : stage.decision })
}

function newWorld(): World {
  const world = new World(NODES, { linked: false })
  world.node(0).write(openEntry(NODES))
  return world
}

const schedule = fc.array(step, { minLength: 40, maxLength: 90, size: 'max' })
const RUNS = { numRuns: 150, seed: 20_261_122 }

describe('nodes that see entries in any order and never all of them', () => {
  it('never agree on two outcomes, whoever writes verdicts, and read the same once they have the same entries', () => {
    fc.assert(
      fc.property(schedule, (moves) => {
        const world = newWorld()
        const agreed = new Set<string | undefined>()
        for (const move of moves) {
          play(world, move, true)
          agreed.add(agreementAt(world.node(move.at)))
        }
        agreed.delete(undefined)
        expect(agreed.size).toBeLessThanOrEqual(1)
        const verdicts = world.changes.flatMap(({ entry }) => (entry.type === 'verdict' ? [entry] : []))
        const decided = verdicts.filter(({ outcome }) => outcome !== 'escalated')
        expect(new Set(decided.map(({ outcome, proposal }) => `${outcome} ${proposal}`)).size).toBeLessThanOrEqual(1)
        world.spread()
        expect(new Set(world.nodes.map(standing)).size).toBe(1)
      }),
      RUNS,
    )
  })

  it('never show two verdicts with different outcomes while the opener lives', () => {
    fc.assert(
      fc.property(schedule, (moves) => {
        const world = newWorld()
        const shown = new Set<unknown>()
        for (const move of moves) {
          play(world, move, false)
          const at = world.node(move.at)
          if (at.read().entries.length > 0) shown.add(reviewAt(at).verdict?.outcome)
        }
        shown.delete(undefined)
        expect(shown.size).toBeLessThanOrEqual(1)
      }),
      RUNS,
    )
  })

  it('never write a second entry for a turn, and never begin one after an agreement they know of', () => {
    fc.assert(
      fc.property(schedule, (moves) => {
        const world = newWorld()
        for (const move of moves) {
          play(world, move, true)
          const at = world.node(move.at)
          if (agreementAt(at) !== undefined) expect(dueAt(at)).toEqual([])
        }
        const turns = turnsWritten(world)
        expect(new Set(turns).size).toBe(turns.length)
      }),
      RUNS,
    )
  })

  it('come to a verdict when nothing is lost', () => {
    fc.assert(
      fc.property(schedule, (moves) => {
        const world = newWorld()
        for (const move of moves) play(world, move, true)
        for (let i = 0; i < 60; i++) {
          world.spread()
          for (const at of world.nodes) {
            for (const due of dueAt(at)) say(at, due)
            doDuties(at, { now: 1_000_000, live: world.nodes })
          }
        }
        world.spread()
        expect(reviewAt(world.node(1)).verdict).toBeDefined()
      }),
      { ...RUNS, numRuns: 50 },
    )
  })
})
