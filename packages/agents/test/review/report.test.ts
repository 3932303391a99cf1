import type { ChangeSet, EntryOf } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { reviewReport } from '../../src/review/report.ts'
import { noteEntry } from '../../src/turns/entries.ts'
import { doDuties, dueAt, reviewAt, say, sayAll } from '../fakes/seats.ts'
import { agentAt, openEntry, peer, THREAD, World } from '../fakes/world.ts'

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

  it('adds what a turn had cost when it came to no entry, by its own node alone, and by its last word', () => {
    const world = opened()
    const [due] = dueAt(world.node(1))
    if (due === undefined) throw new Error('nothing is due')
    const note = (code: 'paused' | 'unavailable', cost: string): EntryOf<'note'> =>
      noteEntry(THREAD, due, code, 0, 'no', 0, { cost, tokens: { input: 1, output: 1 } })
    world.node(1).write(note('paused', '7'))
    world.node(2).write(note('unavailable', '1000'))
    const cost = () => reviewReport(reviewAt(world.node(0))).cost.total
    expect(cost()).toBe(7n)
    world.node(1).write(note('unavailable', '9'))
    expect(cost()).toBe(9n)
    say(world.node(1), due)
    expect(cost()).toBe(5n)
  })

  it('looks evidence up in the change where it is at hand, whatever its author says', () => {
    const world = opened()
    sayAll(world, ({ agent }) => ({ findings: agent === agentAt(0) ? 1 : 0, outcome: 'changes_requested' }))
    const review = reviewAt(world.node(1))
    const change: ChangeSet = {
      v: 1,
      repository: 'shop',
      base: 'a',
      head: 'b',
      title: '',
      files: [{ path: 'a.ts', status: 'added', hunks: [], text: 'a\n' }],
      lockfiles: [],
    }
    expect(reviewReport(review, change)).toEqual(reviewReport(review))
    expect(reviewReport(review, { ...change, files: [] })).toMatchObject({
      findings: [],
      unverified: [{ file: 'a.ts', verified: false, counted: false, blocking: false }],
    })
  })
})
