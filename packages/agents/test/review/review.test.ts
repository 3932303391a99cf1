import { proposalHash, type ReviewTerms } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { overtakenTurns } from '../../src/review/due.ts'
import { deadlineOf } from '../../src/review/duties.ts'
import { readReview } from '../../src/review/review.ts'
import { doDuties, dueAt, noteTrouble, reviewAt, say, sayAll } from '../fakes/seats.ts'
import { agentAt, openEntry, peer, ROLES, World } from '../fakes/world.ts'

function opened(seats = 3, terms: Parameters<typeof openEntry>[1] = {}): World {
  const world = new World(seats)
  world.node(0).write(openEntry(seats, terms))
  return world
}

function phaseOf(world: World) {
  const { stage } = reviewAt(world.node(0))
  return stage.status === 'waiting' ? `${stage.phase} ${stage.round}` : stage.decision
}

/** Everybody reads; the first seat finds what is told. */
function readingDone(world: World, findings = 0): void {
  for (const node of world.nodes)
    for (const due of dueAt(node)) say(node, due, { findings: node === world.nodes[0] ? findings : 0 })
}

const refOfFirst = (world: World) => `${reviewAt(world.node(0)).findings[0]?.entry}#0`

describe('a review read from its entries', () => {
  it('is none in a thread that asks for none', () => {
    const world = new World(1)
    const { review: _, ...open } = openEntry(1)
    world.node(0).write(open)
    expect(readReview(world.node(0).read())).toBeUndefined()
    expect(readReview(new World(1).node(0).read())).toBeUndefined()
  })

  it('begins with one finding turn per seat, each at its own home', () => {
    const world = opened()
    for (const [n, node] of world.nodes.entries()) {
      expect(dueAt(node)).toMatchObject([{ agent: agentAt(n), phase: 'findings', round: 1 }])
    }
  })

  it('shows a first reading nothing of what others found, even when it is there already', () => {
    const world = opened()
    for (const due of dueAt(world.node(0))) say(world.node(0), due, { findings: 2 })
    expect(dueAt(world.node(1)).map(({ question }) => question)).toEqual([{ phase: 'findings', role: 'reviewer' }])
  })

  it('skips the discussion of round 1 when nobody found anything', () => {
    const world = opened()
    readingDone(world)
    expect(phaseOf(world)).toBe('proposal 1')
  })

  it('discusses round 1 when there is a finding', () => {
    const world = opened()
    readingDone(world, 1)
    expect(phaseOf(world)).toBe('discussion 1')
    expect(world.nodes.flatMap(dueAt)).toHaveLength(3)
  })

  it('lets one seat propose per round, in seat order', () => {
    const world = opened()
    readingDone(world)
    expect(world.nodes.flatMap(dueAt)).toMatchObject([{ agent: agentAt(0), phase: 'proposal' }])
  })

  it('is approved when every seat approves the same proposal, and the opener writes it down once', () => {
    const world = opened()
    sayAll(world)
    for (const node of world.nodes) doDuties(node, { live: world.nodes })
    doDuties(world.node(0), { live: world.nodes })
    const [proposal] = world.node(0).entries('proposal')
    expect(world.node(2).entries('verdict')).toMatchObject([
      { outcome: 'approved', round: 1, proposal: proposal && proposalHash(proposal), author: `system@${peer(0)}` },
    ])
    expect(world.nodes.flatMap(dueAt)).toEqual([])
  })

  it('ends in changes_requested when every seat approves that proposal', () => {
    const world = opened()
    sayAll(world, () => ({ findings: 1, outcome: 'changes_requested' }))
    expect(phaseOf(world)).toMatchObject({ outcome: 'changes_requested', round: 1 })
  })

  it('does not take an approval with blockers for one', () => {
    const world = opened()
    sayAll(world, ({ phase, round }) => ({
      findings: 1,
      ...(phase === 'vote' && round === 1 ? { blockers: () => [refOfFirst(world)] } : {}),
    }))
    expect(phaseOf(world)).toMatchObject({ outcome: 'approved', round: 2 })
  })

  it('goes into another round after a rejection, always discusses it, and hands the blockers to the next proposer', () => {
    const world = opened()
    readingDone(world, 1)
    const ref = refOfFirst(world)
    const dissents = (agent: string, round: number) => agent === agentAt(2) && round === 1
    while (phaseOf(world) !== 'proposal 2') {
      for (const node of world.nodes) {
        for (const due of dueAt(node)) {
          const rejects = due.phase === 'vote' && dissents(due.agent, due.round)
          if (due.round === 1 || due.phase === 'discussion') {
            say(node, due, rejects ? { choice: 'reject', blockers: () => [ref, 'unknown-entry#7'] } : {})
          }
        }
      }
    }
    expect(
      world
        .node(0)
        .entries('message')
        .filter(({ round }) => round === 2),
    ).toHaveLength(3)
    expect(dueAt(world.node(1))).toMatchObject([
      { agent: agentAt(1), question: { phase: 'proposal', openBlockers: [ref] } },
    ])
  })

  it('escalates when the rounds are used up', () => {
    const world = opened(3, { rounds: 2 })
    sayAll(world, ({ agent }) => ({ choice: agent === agentAt(1) ? 'abstain' : 'approve' }))
    doDuties(world.node(0), { live: world.nodes })
    expect(world.node(1).entries('verdict')).toMatchObject([
      { outcome: 'escalated', round: 2, proposal: null, reason: 'no consensus after 2 rounds' },
    ])
    expect(world.node(1).entries('escalation')).toMatchObject([
      { state: 'pending', reason: 'no consensus after 2 rounds' },
    ])
  })

  it('keeps the first verdict: a blocker that comes later flips nothing', () => {
    const world = opened()
    sayAll(world)
    doDuties(world.node(0))
    const vote = world.node(1).entries('vote')[1]
    world
      .node(1)
      .write({ ...vote, type: 'vote', round: 2, turn: undefined, id: 'later-vote', choice: 'reject' } as never)
    expect(phaseOf(world)).toMatchObject({ outcome: 'approved' })
  })

  it('does not believe a verdict that the votes do not bear out', () => {
    const world = opened()
    sayAll(world)
    doDuties(world.node(0))
    const [real] = world.node(0).entries('verdict')
    const other = opened()
    if (real !== undefined) other.node(1).write({ ...real, author: `system@${peer(1)}` })
    expect(other.node(0).entries('verdict')).toHaveLength(1)
    expect(reviewAt(other.node(0)).verdict).toBeUndefined()
  })

  it('does not count an entry written in the name of a seat that lives elsewhere', () => {
    const world = opened()
    const [due] = dueAt(world.node(2))
    if (due !== undefined) say(world.node(1), due, { findings: 1 })
    expect(reviewAt(world.node(0)).findings).toEqual([])
  })
})

describe('findings whose evidence no tool found', () => {
  const unproven = { findings: 1, verified: false }

  it('cannot make a proposal to request changes valid', () => {
    const world = opened()
    sayAll(world, () => ({ ...unproven, outcome: 'changes_requested' }))
    expect(phaseOf(world)).toBe('proposal 1')
    doDuties(world.node(0))
    expect(world.node(0).entries('timeout')).toMatchObject([{ phase: 'proposal', absent: [agentAt(0)] }])
    sayAll(world)
    expect(phaseOf(world)).toMatchObject({ outcome: 'escalated', reason: 'architect made no valid proposal' })
  })

  it('leave a proposal valid that names a proven one beside them', () => {
    const world = opened()
    sayAll(world, ({ agent }) => ({ findings: 1, verified: agent === agentAt(1), outcome: 'changes_requested' }))
    expect(phaseOf(world)).toMatchObject({ outcome: 'changes_requested', round: 1 })
  })

  it('do not keep an approval from counting, nor come before the next proposer', () => {
    const world = opened()
    sayAll(world, ({ phase }) => ({ ...unproven, blockers: () => (phase === 'vote' ? [refOfFirst(world)] : []) }))
    expect(phaseOf(world)).toMatchObject({ outcome: 'approved', round: 1 })
    expect(reviewAt(world.node(1)).openBlockers).toEqual([])
  })

  it('that came after a vote do not count for it, whoever sees both', () => {
    const world = opened()
    readingDone(world)
    const late = `${'a'.repeat(64)}#0`
    sayAll(world, ({ phase }) => (phase === 'vote' ? { blockers: () => [late] } : {}))
    expect(phaseOf(world)).toMatchObject({ outcome: 'approved', round: 1 })
  })
})

describe('a change that nobody could read', () => {
  it('is escalated as soon as all have tried', () => {
    const world = opened()
    sayAll(world, () => ({ reviewed: false }))
    expect(phaseOf(world)).toMatchObject({ outcome: 'escalated', reason: 'nothing could be read' })
    expect(world.node(0).entries('proposal')).toEqual([])
  })

  it('is reviewed when one seat could read a part of it, or there is nothing in it', () => {
    const partly = opened()
    sayAll(partly, ({ agent }) => ({ reviewed: agent === agentAt(2) }))
    expect(phaseOf(partly)).toMatchObject({ outcome: 'approved' })
    const change = { ...openEntry(3).review?.change, files: 0 } as ReviewTerms['change']
    const empty = opened(3, { change })
    sayAll(empty, () => ({ reviewed: false }))
    expect(phaseOf(empty)).toMatchObject({ outcome: 'approved' })
  })

  it('is not approved because somebody proposes it all the same', () => {
    const world = opened()
    for (const node of world.nodes) for (const due of dueAt(node)) say(node, due, { reviewed: false })
    const other = opened()
    sayAll(other)
    doDuties(other.node(0))
    for (const type of ['proposal', 'vote', 'verdict'] as const)
      for (const [n, node] of other.nodes.entries())
        for (const entry of node.entries(type).filter(({ author }) => author.endsWith(peer(n))))
          world.node(n).write(entry)
    expect(phaseOf(world)).toMatchObject({ outcome: 'escalated', reason: 'nothing could be read' })
  })
})

describe('a proposal that nobody may vote on', () => {
  function withEarlyProposal(): World {
    const done = opened()
    sayAll(done)
    const [proposal] = done.node(0).entries('proposal')
    const world = opened()
    if (proposal !== undefined) world.node(0).write(proposal) // before anybody has read
    readingDone(world)
    return world
  }

  it('is none: its seat is given up and the next one proposes', () => {
    const world = withEarlyProposal()
    expect(phaseOf(world)).toBe('proposal 1')
    doDuties(world.node(0), { now: 1 })
    expect(world.node(0).entries('timeout')).toMatchObject([{ phase: 'proposal', round: 1, absent: [agentAt(0)] }])
    expect(world.nodes.flatMap(dueAt)).toMatchObject([{ agent: agentAt(1), phase: 'proposal' }])
    sayAll(world)
    doDuties(world.node(0), { now: 1 })
    expect(reviewAt(world.node(1)).verdict).toMatchObject({ reason: 'architect made no valid proposal' })
  })

  it('is not asked for once more, nor paid for as an overtaken one', () => {
    const world = withEarlyProposal()
    expect(dueAt(world.node(0))).toEqual([])
    doDuties(world.node(0), { now: 1 })
    expect(overtakenTurns(reviewAt(world.node(0)), peer(0))).toEqual([])
  })
})

describe('clocks that differ', () => {
  function discussedAt(ts: number): World {
    const world = opened()
    for (const [n, node] of world.nodes.entries())
      for (const due of dueAt(node)) {
        const scratch = new World(1)
        say(scratch.node(0), due)
        const [entry] = scratch.node(0).entries('finding')
        if (entry !== undefined) node.write({ ...entry, ts: n === 2 ? ts : 1_000 })
      }
    return world
  }

  it('cannot put a deadline off for ever: a date far in the future counts for nothing', () => {
    const world = discussedAt(Number.MAX_SAFE_INTEGER)
    expect(deadlineOf(reviewAt(world.node(0)), 2_000)).toBe(61_000)
    doDuties(world.node(0), { now: 61_000 })
    expect(world.node(0).entries('timeout')).toHaveLength(1)
  })

  it('that are a little ahead of ours take no time away from a seat', () => {
    const world = discussedAt(30_000)
    doDuties(world.node(0), { now: 65_000 })
    expect(world.node(0).entries('timeout')).toEqual([])
    expect(deadlineOf(reviewAt(world.node(0)), 65_000)).toBe(90_000)
  })

  it('cannot move a deadline before the review began', () => {
    const world = new World(3)
    world.node(0).write({ ...openEntry(3), ts: 500_000 })
    for (const node of world.nodes) for (const due of dueAt(node)) say(node, due)
    expect(deadlineOf(reviewAt(world.node(0)), 500_000)).toBe(560_000)
  })
})

describe('a seat that does not answer', () => {
  function withoutSecurity(): World {
    const world = opened()
    for (const node of [world.node(0), world.node(1)]) for (const due of dueAt(node)) say(node, due)
    return world
  }

  it('is waited for until the seat timeout, then named in a timeout entry by the opener', () => {
    const world = withoutSecurity()
    doDuties(world.node(0), { now: 59_999 })
    expect(world.node(0).entries('timeout')).toEqual([])
    doDuties(world.node(1), { now: 60_000, live: world.nodes })
    expect(world.node(0).entries('timeout')).toEqual([])
    doDuties(world.node(0), { now: 60_000 })
    expect(world.node(0).entries('timeout')).toMatchObject([{ phase: 'findings', round: 1, absent: [agentAt(2)] }])
    expect(dueAt(world.node(2))).toEqual([])
  })

  it('makes the review escalate once the others had their say', () => {
    const world = withoutSecurity()
    doDuties(world.node(0), { now: 60_000 })
    expect(phaseOf(world)).toBe('proposal 1')
    sayAll(world)
    doDuties(world.node(0), { now: 60_000 })
    expect(world.node(1).entries('verdict')).toMatchObject([{ outcome: 'escalated', reason: 'security absent' }])
  })

  it('is back in when its entry comes after all', () => {
    const world = new World(3, { linked: false })
    world.node(0).write(openEntry(3))
    world.spread()
    for (const node of world.nodes) for (const due of dueAt(node)) say(node, due)
    world.node(0).hear(world.node(1))
    doDuties(world.node(0), { now: 60_000 })
    world.spread()
    world.linked = true
    sayAll(world)
    expect(phaseOf(world)).toMatchObject({ outcome: 'approved' })
  })

  it('is skipped as proposer', () => {
    const world = opened()
    readingDone(world)
    doDuties(world.node(0), { now: 60_001 })
    expect(world.nodes.flatMap(dueAt)).toMatchObject([{ agent: agentAt(1), phase: 'proposal' }])
    sayAll(world)
    expect(phaseOf(world)).toMatchObject({ outcome: 'escalated', reason: 'architect absent' })
  })

  it('may not propose out of turn', () => {
    const world = opened()
    readingDone(world)
    const second = new World(3)
    second.node(0).write(openEntry(3))
    readingDone(second)
    doDuties(second.node(0), { now: 60_001 })
    sayAll(second)
    const [early] = second.node(1).entries('proposal')
    if (early !== undefined) world.node(1).write(early)
    expect(phaseOf(world)).toBe('proposal 1')
  })

  it('does not split a round: approvals of two proposals are no agreement', () => {
    const world = new World(3, { linked: false })
    const seats = [1, 2, 0].map((n) => ({ role: ROLES[n] ?? '', agent: agentAt(n) }))
    world.node(0).write(openEntry(3, { seats }))
    const act = (n: number) => {
      for (const due of dueAt(world.node(n))) say(world.node(n), due)
    }
    world.spread()
    for (const n of [0, 1, 2]) act(n)
    world.spread()
    act(1) // proposes
    act(1) // and votes, while the opener gives it up
    doDuties(world.node(0), { now: 60_001 })
    world.node(2).hear(world.node(0))
    act(2) // proposes in its place
    act(2)
    world.node(0).hear(world.node(2))
    act(0)
    world.spread()
    expect(
      new Set(
        world
          .node(0)
          .entries('vote')
          .map((vote) => vote.proposal),
      ).size,
    ).toBe(2)
    expect(phaseOf(world)).toBe('discussion 2')
  })

  it('names all absent roles', () => {
    const world = opened()
    for (const due of dueAt(world.node(0))) say(world.node(0), due)
    doDuties(world.node(0), { now: 60_000 })
    sayAll(world)
    expect(phaseOf(world)).toMatchObject({ outcome: 'escalated', reason: 'reviewer, security absent' })
  })

  it('ends the review at once when no seat is left', () => {
    const world = opened()
    doDuties(world.node(0), { now: 60_000 })
    expect(phaseOf(world)).toMatchObject({ outcome: 'escalated', reason: 'architect, reviewer, security absent' })
  })

  it('that reported itself unavailable is not waited for, nor tried again', () => {
    const world = withoutSecurity()
    const [due] = dueAt(world.node(2))
    if (due !== undefined) noteTrouble(world.node(2), due, 'unavailable', 'AUTH: no key')
    expect(dueAt(world.node(2))).toEqual([])
    doDuties(world.node(0), { now: 1 })
    sayAll(world)
    expect(phaseOf(world)).toMatchObject({ reason: 'security unavailable' })
  })

  it('that is paused by the budget times out like any other, and the reason says so', () => {
    const world = withoutSecurity()
    const [due] = dueAt(world.node(2))
    if (due !== undefined) noteTrouble(world.node(2), due, 'paused', 'the day is used up')
    expect(dueAt(world.node(2))).toHaveLength(1)
    doDuties(world.node(0), { now: 60_000 })
    sayAll(world)
    expect(phaseOf(world)).toMatchObject({ reason: 'security paused by budget' })
  })

  it('is judged by exactly one successor when the opener is gone', () => {
    const world = withoutSecurity()
    const left = [world.node(1), world.node(2)]
    for (const node of left) doDuties(node, { now: 60_000, live: left })
    expect(world.node(1).entries('timeout')).toHaveLength(1)
  })
})
