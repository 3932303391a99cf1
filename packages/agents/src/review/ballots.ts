import type { EntryOf } from '@bzzz/protocols'
import { validProposals } from './record.ts'
import { type Review, votesOf } from './review.ts'
import { entriesOf, type ThreadView, type ViewedEntry } from './view.ts'

/** A proposal that a vote may be about. */
export interface OpenProposal {
  readonly hash: string
  readonly round: number
  readonly outcome: EntryOf<'proposal'>['outcome']
  readonly content: string
}

/** Round by round; in a round the one that the seats vote on first. */
export function proposalsOf({ record, terms }: Review): OpenProposal[] {
  const rounds = Array.from({ length: terms.rounds }, (_, i) => i + 1)
  return rounds.flatMap((round) =>
    validProposals(record, round).map(({ hash, entry }) => ({
      hash,
      round,
      outcome: entry.outcome,
      content: entry.content,
    })),
  )
}

export interface Ballot {
  readonly vote: ViewedEntry<EntryOf<'vote'>>
  /** Role of the seat whose vote it is; null for what anybody else says, a person above all: it decides nothing. */
  readonly role: string | null
}

/** Everything that was voted, in the thread's order. */
export function ballotsOf(view: ThreadView, review: Review | undefined): Ballot[] {
  const counted = new Set(review === undefined ? [] : votesOf(review.record))
  return entriesOf(view, 'vote').map((vote) => {
    const seat = counted.has(vote.entry) ? review?.seats.find(({ agent }) => agent === vote.entry.author) : undefined
    return { vote, role: seat?.role ?? null }
  })
}
