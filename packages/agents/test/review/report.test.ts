import { describe, expect, it } from 'vitest'
import { reviewReport } from '../../src/review/report.ts'
import { doDuties, dueAt, reviewAt, say, sayAll } from '../fakes/seats.ts'
import { agentAt, openEntry, peer, World } from '../fakes/world.ts'

function opened(): World {
  const world = new World(3)
  world.node(0).write(openEntry(3))
  return world
}

describe('a report', () => {
  it('says whom a running review waits for', () => {
    const world = opened()
    for (const due of dueAt(world.node(0))) say(world.node(0), due)
    expect(reviewReport(reviewAt(world.node(1)))).toMatchObject({
      verdict: 'running',
      reason: 'waiting for reviewer, security (findings, round 1)',
      rounds: 1,
    })
  })

  it('is the same on every node, and has verdict, votes, dissent, coverage and cost', () => {
    const world = opened()
    const first = () => `${reviewAt(world.node(0)).findings[0]?.entry}#0`
    sayAll(world, ({ phase, agent, round }) => {
      if (phase === 'findings') return { findings: agent === agentAt(0) ? 1 : 0 }
      if (phase === 'proposal') return { outcome: 'changes_requested', blockers: () => [first()] }
      if (phase === 'vote' && round === 1 && agent === agentAt(2)) return { choice: 'reject' }
      return {}
    })
    doDuties(world.node(0))
    const reports = world.nodes.map((node) => reviewReport(reviewAt(node)))
    expect(reports[1]).toEqual(reports[0])
    expect(reports[0]).toMatchObject({
      verdict: 'changes_requested',
      reason: null,
      rounds: 2,
      findings: [{ role: 'architect', file: 'a.ts', line: 1, counted: true, blocking: true }],
      unverified: [],
      dissent: [{ role: 'security', round: 1, choice: 'reject' }],
      coverage: [{ file: 'a.ts', readBy: ['architect', 'reviewer', 'security'], notReadBy: [] }],
      simulated: false,
    })
    expect(reports[0]?.votes).toHaveLength(6)
    expect(reports[0]?.cost.byNode).toContainEqual({ peer: peer(2), amount: 25n })
    expect(reports[0]?.cost.total).toBe(85n)
  })
})
