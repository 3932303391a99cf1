import { type Ballot, ballotsOf, proposalsOf, type Review } from '@bzzz/agents'
import type { VotesAnswer, VoteView } from '@bzzz/protocols'
import type { ThreadView } from '@bzzz/threads'
import { isoTime, type NodeNames } from './names.ts'

export function votesView(view: ThreadView, review: Review | undefined, names: NodeNames): VotesAnswer {
  return {
    id: view.thread,
    votes: ballotsOf(view, review).map((ballot) => voteView(ballot, names)),
    proposals: review === undefined ? [] : proposalsOf(review),
  }
}

/** What people said to a review, who have no seat in it. */
export function peoplesVotes(view: ThreadView, review: Review, names: NodeNames): VoteView[] {
  return ballotsOf(view, review)
    .filter(({ role, vote }) => role === null && vote.entry.author.startsWith('human:'))
    .map((ballot) => voteView(ballot, names))
}

function voteView({ vote: { entry, peer }, role }: Ballot, names: NodeNames): VoteView {
  const { id, author, round, proposal, choice, blockers, content, ts } = entry
  return {
    ...{ id, author, node: names(peer), role, round, proposal, choice, blockers, content },
    ts: isoTime(ts),
    counts: role !== null,
  }
}
