import type { PeerId } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { ballotsOf, proposalsOf } from '../../src/index.ts'
import { dueDuties, dutyEntry, keeperOf } from '../../src/review/duties.ts'
import { readReview } from '../../src/review/review.ts'
import { doDuties, reviewAt, sayAll } from '../fakes/seats.ts'
import { agentAt, openEntry, peer, World } from '../fakes/world.ts'

const laptopIs = (laptop: PeerId) => (candidate: PeerId) => candidate === laptop

function approved(): World {
  const world = new World(3)
  world.node(0).write(openEntry(3))
  sayAll(world)
  doDuties(world.node(0))
  return world
}

describe('a laptop in a review', () => {
  it('that seats itself decides nothing: its turns do not count, nor the verdict that rests on them', () => {
    const view = approved().node(0).read()
    expect(readReview(view)?.verdict?.outcome).toBe('approved')
    const review = readReview(view, laptopIs(peer(0)))
    expect(review?.verdict).toBeUndefined()
    expect(review?.stage).toMatchObject({ status: 'waiting', phase: 'findings', seats: [{ agent: agentAt(0) }] })
  })

  it('cannot end what another opened by having been named for a seat', () => {
    const world = new World(3)
    world.node(0).write(openEntry(3))
    const escalation = { outcome: 'escalated', round: 1, proposal: null, reason: 'because' } as const
    const context = { self: peer(1), live: new Set<PeerId>(), now: 0 }
    world.node(1).write(dutyEntry(reviewAt(world.node(1)), { kind: 'verdict', decision: escalation }, context))
    const view = world.node(2).read()
    expect(readReview(view)?.verdict?.outcome).toBe('escalated')
    expect(readReview(view, laptopIs(peer(1)))?.verdict).toBeUndefined()
  })

  it('keeps the time of a review that it opened while it is there; then a node does, never another laptop', () => {
    const world = new World(3)
    world.node(0).write(openEntry(3))
    const laptops = new Set([peer(0), peer(1)])
    const review = readReview(world.node(2).read(), (candidate) => laptops.has(candidate))
    if (review === undefined) throw new Error('no review')
    const everybody = new Set([peer(0), peer(1), peer(2)])
    expect(keeperOf(review, { self: peer(2), live: everybody, now: 0 })).toBe(peer(0))
    everybody.delete(peer(0))
    for (const self of [peer(1), peer(2)]) expect(keeperOf(review, { self, live: everybody, now: 0 })).toBe(peer(2))
    const late = { self: peer(2), live: new Set([peer(1)]), now: 120_000 }
    expect(dueDuties(review, late)).toMatchObject([{ kind: 'timeout', phase: 'findings', round: 1 }])
  })
})

describe('what was voted', () => {
  it('is told with the seat that it counts for, or as what somebody says besides', () => {
    const world = approved()
    const review = reviewAt(world.node(0))
    const [proposal] = proposalsOf(review)
    expect(proposal).toMatchObject({ round: 1, outcome: 'approved' })
    const by = `human:ana@${peer(1)}`
    const base = { id: 'vote-of-ana', author: by, ts: 0, content: 'not yet' }
    const about = { round: 1, proposal: proposal?.hash ?? '' }
    world.node(1).write({ ...base, ...about, type: 'vote', choice: 'reject', blockers: [] })
    const after = reviewAt(world.node(0))
    const ballots = ballotsOf(world.node(0).read(), after)
    expect(ballots.map(({ role }) => role)).toEqual(['reviewer', 'security', 'architect', null])
    expect(ballots.at(-1)?.vote.entry.author).toBe(by)
    expect(after.verdict?.outcome).toBe('approved')
  })
})
