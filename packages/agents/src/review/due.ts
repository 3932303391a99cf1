import type { AgentId, EntryOf, PeerId, ReviewPhase, TurnId } from '@bzzz/protocols'
import { hasSpent, type Seat, troubleOf, turnOf, validProposals } from './record.ts'
import type { Review, WaitingStage } from './review.ts'
import type { DiscussionTask, FindingsTask, ProposalTask, VoteTask } from './task.ts'

/** A turn that an agent of this node is to take now. */
export interface DueTurn {
  readonly turn: TurnId
  readonly agent: AgentId
  readonly role: string
  readonly phase: ReviewPhase
  readonly round: number
  readonly question: Question
}

/** A task that still lacks the change, which is a blob and not in the thread. */
export type Question =
  | Omit<FindingsTask, 'change' | 'files'>
  | Omit<DiscussionTask, 'change'>
  | Omit<ProposalTask, 'change'>
  | (Omit<VoteTask, 'change'> & { readonly proposalHash: string })

/** Turns of agents that live at `self`. A turn whose home said that it is unavailable is not tried again. */
export function dueTurns(review: Review, self: PeerId): DueTurn[] {
  const { stage } = review
  if (stage.status === 'decided') return []
  return stage.seats
    .filter((seat) => seat.home === self && !isUnavailable(review, stage, seat))
    .filter((seat) => !hasSpent(review.record, stage.phase, stage.round, seat))
    .map((seat) => turnFor(review, stage, seat))
}

/** Turns that a timeout overtook. Not to be paid for any more; but what was paid for is still worth its entry. */
export function overtakenTurns(review: Review, self: PeerId): DueTurn[] {
  return review.absences
    .filter(({ seat, phase, round }) => seat.home === self && !hasSpent(review.record, phase, round, seat))
    .filter(({ phase, round }) => phase !== 'vote' || validProposals(review.record, round).length > 0)
    .map(({ seat, ...moment }) => turnFor(review, moment, seat))
}

type Moment = Pick<WaitingStage, 'phase' | 'round'>

export function isUnavailable(review: Review, { phase, round }: Moment, seat: Seat): boolean {
  return troubleOf(review.record, turnOf(review, phase, round, seat), seat)?.code === 'unavailable'
}

function turnFor(review: Review, moment: Moment, seat: Seat): DueTurn {
  const { phase, round } = moment
  const { agent, role } = seat
  return {
    turn: turnOf(review, phase, round, seat),
    agent,
    role,
    phase,
    round,
    question: questionFor(review, moment, seat),
  }
}

function questionFor(review: Review, { phase, round }: Moment, seat: Seat): Question {
  const { role, agent } = seat
  const { findings, openBlockers } = review
  switch (phase) {
    case 'findings': // independent: nothing of what the others found
      return { phase: 'findings', role }
    case 'discussion':
      return { phase: 'discussion', role, agent, round, findings }
    case 'proposal':
      return { phase: 'proposal', role, agent, round, findings, openBlockers }
    case 'vote': {
      const { hash, entry } = proposalOf(review, round)
      return { phase: 'vote', role, agent, round, findings, proposal: ballot(entry), proposalHash: hash }
    }
  }
}

function proposalOf(review: Review, round: number): { hash: string; entry: EntryOf<'proposal'> } {
  const [proposal] = validProposals(review.record, round)
  if (proposal === undefined) throw new TypeError(`round ${round} has nothing to vote on`)
  return proposal
}

function ballot({ outcome, blocking, content }: EntryOf<'proposal'>): VoteTask['proposal'] {
  return { outcome, blocking, content }
}
