import type { AgentId, PeerId, ReviewPhase, TurnId } from '@bzzz/protocols'
import { troubleOf, turnOf } from './record.ts'
import type { Review } from './review.ts'

/** A turn that rests for want of money, as its home told in the thread. */
export interface PausedTurn {
  readonly turn: TurnId
  readonly agent: AgentId
  readonly home: PeerId
  readonly phase: ReviewPhase
  readonly round: number
  readonly reason: string
  /** When its home said so last, by its own clock. */
  readonly sinceMs: number
}

/** Of all nodes, in seat order: whoever has the thread can say what it waits for. */
export function pausedTurns(review: Review): PausedTurn[] {
  const { stage, record } = review
  if (stage.status === 'decided') return []
  const { phase, round } = stage
  return stage.seats.flatMap((seat) => {
    const turn = turnOf(review, phase, round, seat)
    const trouble = troubleOf(record, turn, seat)
    if (trouble?.code !== 'paused') return []
    const said = record.notes.findLast(({ entry }) => entry.turn === turn && entry.code === 'paused')
    const { agent, home } = seat
    return [{ turn, agent, home, phase, round, reason: trouble.reason, sinceMs: said?.entry.ts ?? 0 }]
  })
}
