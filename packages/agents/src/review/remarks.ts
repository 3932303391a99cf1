import type { DueTurn } from './due.ts'
import type { Remark } from './prompt.ts'
import { type Review, votesOf } from './review.ts'

/**
 * What a turn may be shown of what was said: rounds before its own, and its own round's discussion once that is over.
 * A first reading is shown nothing.
 */
export function remarksFor(review: Review, { phase, round }: Pick<DueTurn, 'phase' | 'round'>): Remark[] {
  if (phase === 'findings') return []
  const discussed = phase === 'discussion' ? round - 1 : round
  const messages = Array.from({ length: discussed }, (_, i) => i + 1).flatMap((at) =>
    review.seats.flatMap((seat) => {
      const content = review.record.turnEntry('discussion', at, seat)?.entry.content
      return content === undefined ? [] : [{ kind: 'message' as const, role: seat.role, round: at, content }]
    }),
  )
  const votes = votesOf(review.record)
    .filter((vote) => vote.round < round)
    .map((vote) => {
      const content = `${vote.choice}: ${vote.content}`
      return { kind: 'vote' as const, role: roleOf(review, vote.author), round: vote.round, content }
    })
  return [...messages, ...votes].sort((a, b) => a.round - b.round)
}

function roleOf(review: Review, agent: string): string {
  return review.seats.find((seat) => seat.agent === agent)?.role ?? agent
}
