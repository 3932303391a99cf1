import { type OpenProposal, proposalsOf } from '@bzzz/agents'
import { type EntryOf, type NewVote, newVote, threadId, votedAnswer, votesAnswer } from '@bzzz/protocols'
import type { ThreadView } from '@bzzz/threads'
import { z } from 'zod'
import type { Door } from '../door.ts'
import type { DoorPorts } from '../ports.ts'
import { ProblemError } from '../problems.ts'
import { nodeNames } from '../views/names.ts'
import { votesView } from '../views/votes.ts'
import { byPerson, viewOf } from './conversations.ts'
import type { Routes } from './routes.ts'

const params = z.strictObject({ id: threadId })

export function addVoteRoutes(door: Door, routes: Routes): void {
  const { ports, answers } = routes
  door.get('/api/conversations/:id/votes', { schema: { params, response: { 200: votesAnswer } } }, async (request) => {
    const view = await viewOf(ports, request.params.id)
    return votesView(view, ports.reviews.standing(view), nodeNames(ports))
  })
  door.post(
    '/api/conversations/:id/votes',
    { config: { access: 'token' }, schema: { params, body: newVote, response: { 201: votedAnswer } } },
    async (request, reply) => {
      const { params: of, body } = request
      const answer = await answers.once(request, async () => {
        const proposal = proposalFor(ports, await viewOf(ports, of.id), body.proposal)
        const { thread, id, heads } = await ports.threads.append(of.id, voteEntry(routes, body, proposal))
        return { thread, id, heads: [...heads], proposal: proposal.hash, round: proposal.round, counts: false as const }
      })
      return reply.code(201).send(answer)
    },
  )
}

/** @throws {ProblemError} PROPOSAL_UNKNOWN */
function proposalFor({ reviews }: DoorPorts, view: ThreadView, wanted: string | undefined): OpenProposal {
  const review = reviews.standing(view)
  if (review === undefined)
    throw new ProblemError('PROPOSAL_UNKNOWN', `${view.thread} is a conversation without a review: post a message.`)
  const proposals = proposalsOf(review)
  const found = wanted === undefined ? proposals.at(-1) : proposals.find(({ hash }) => hash === wanted)
  if (found !== undefined) return found
  const detail =
    wanted === undefined
      ? 'No seat has proposed anything in this review yet: look again once it has come that far.'
      : `No proposal of this review has the hash ${wanted}; GET /api/conversations/${view.thread}/votes lists them.`
  throw new ProblemError('PROPOSAL_UNKNOWN', detail)
}

function voteEntry(routes: Routes, { choice, comment, from }: NewVote, { hash, round }: OpenProposal): EntryOf<'vote'> {
  const base = { ...byPerson(routes, from), content: comment }
  return { ...base, type: 'vote', round, proposal: hash, choice, blockers: [] }
}
