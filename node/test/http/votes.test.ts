import {
  type AgentId,
  type EntryOf,
  type Finding,
  messagesAnswer,
  problem,
  proposalHash,
  type ReviewPhase,
  reviewReport,
  type ThreadId,
  turnIdOf,
  votedAnswer,
  votesAnswer,
} from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { answerOf, doorsUnderTest, withToken } from './doors-under-test.ts'
import { NOW, openEntry, walnut } from './mesh-of-three.ts'

const architect = `architect@${walnut}` as AgentId

/** A review by walnut's architect alone, who has read and proposed. */
async function proposed() {
  const doors = doorsUnderTest()
  const change = { v: 1, repository: 'shop', base: 'a', head: 'b', title: 'Cache', files: [], lockfiles: [] } as const
  const order = { change: { ...change, files: [], lockfiles: [] }, budget: null, rounds: 2, seatTimeoutMs: 1000 }
  const plan = await doors.reviews.plan({ ...order, required: ['architect'] })
  if (plan.status !== 'ready') throw new Error('no seat')
  const { thread } = await doors.threads.create({ ...openEntry('a review'), review: plan.terms })
  const turn = (phase: ReviewPhase) => turnIdOf({ thread, phase, round: 1, agent: architect })
  const base = (phase: ReviewPhase) => ({
    id: turn(phase),
    turn: turn(phase),
    author: architect,
    ts: NOW,
    content: 'so',
  })
  const findings: Finding[] = []
  await doors.threads.append(thread, { ...base('findings'), type: 'finding', findings, coverage: [] })
  const proposal: EntryOf<'proposal'> = {
    ...{ ...base('proposal'), type: 'proposal', round: 1, outcome: 'approved', blocking: [] },
  }
  const append = () => doors.threads.append(thread, proposal)
  return { doors, thread, hash: proposalHash(proposal), append, turn }
}

const votes = (thread: ThreadId, body: object, headers: object = withToken) => ({
  method: 'POST' as const,
  url: `/api/conversations/${thread}/votes`,
  body,
  headers: { ...headers },
})

describe('POST /api/conversations/:id/votes', () => {
  it('writes a person’s vote on the newest proposal, which decides nothing and is shown', async () => {
    const { doors, thread, hash, append } = await proposed()
    await append()
    const body = { choice: 'reject', comment: 'not like this', from: 'ana' }
    const voted = answerOf(await doors.agents.inject(votes(thread, body)), 201, votedAnswer)
    expect(voted).toMatchObject({ thread, proposal: hash, round: 1, counts: false })
    const { messages } = answerOf(
      await doors.agents.inject(`/api/conversations/${thread}/messages`),
      200,
      messagesAnswer,
    )
    expect(messages.at(-1)).toMatchObject({ type: 'vote', author: `human:ana@${walnut}`, content: 'not like this' })
    const report = answerOf(await doors.agents.inject(`/api/reviews/${thread}`), 200, reviewReport)
    expect(report).toMatchObject({ state: 'running', phase: 'vote', dissent: [] })
    expect(report.people).toMatchObject([
      { author: `human:ana@${walnut}`, choice: 'reject', role: null, counts: false },
    ])
  })

  it('is told beside the seats’ votes, with what may be voted on', async () => {
    const { doors, thread, hash, append, turn } = await proposed()
    await append()
    await doors.agents.inject(votes(thread, { choice: 'abstain', proposal: hash }))
    const head = { id: turn('vote'), turn: turn('vote'), author: architect, ts: NOW, content: 'yes' }
    const by = { type: 'vote', round: 1, proposal: hash, choice: 'approve', blockers: [] } as const
    await doors.threads.append(thread, { ...head, ...by, blockers: [] })
    const answer = answerOf(await doors.agents.inject(`/api/conversations/${thread}/votes`), 200, votesAnswer)
    expect(answer.proposals).toMatchObject([{ hash, round: 1, outcome: 'approved' }])
    expect(answer.votes).toMatchObject([
      { author: `human:operator@${walnut}`, role: null, choice: 'abstain', counts: false },
      { author: architect, role: 'architect', choice: 'approve', counts: true },
    ])
  })

  it('says what is missing where there is nothing to vote on', async () => {
    const { doors, thread, append } = await proposed()
    const refusal = async (of: ThreadId, body: object) =>
      answerOf(await doors.agents.inject(votes(of, body)), 409, problem)
    expect(await refusal(thread, { choice: 'approve' })).toMatchObject({ code: 'PROPOSAL_UNKNOWN' })
    await append()
    const other = await refusal(thread, { choice: 'approve', proposal: '0'.repeat(64) })
    expect(other.detail).toMatch(/No proposal of this review has the hash 000/)
    const { thread: talk } = await doors.threads.create(openEntry('talk'))
    expect((await refusal(talk, { choice: 'approve' })).detail).toMatch(/without a review: post a message/)
  })

  it('refuses other choices, and whoever has no token', async () => {
    const { doors, thread, append } = await proposed()
    await append()
    expect((await doors.agents.inject(votes(thread, { choice: 'veto' }))).statusCode).toBe(400)
    expect((await doors.agents.inject(votes(thread, { choice: 'approve' }, {}))).statusCode).toBe(401)
  })
})
