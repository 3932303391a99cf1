import type { Review } from '@bzzz/agents'
import { type AgentId, isType, type ReviewPhase, type ReviewReport, turnIdOf } from '@bzzz/protocols'
import type { ThreadView } from '@bzzz/threads'
import { type NodeNames, peerOf } from './names.ts'

type SeatView = ReviewReport['seats'][number]
type SeatState = Pick<SeatView, 'state' | 'reason'>

/** Where each seat of a review stands. */
export function seatViews(view: ThreadView, review: Review, names: NodeNames): SeatView[] {
  return review.terms.seats.map(({ role, agent }) => ({
    role,
    agent,
    node_id: names(peerOf(agent)),
    ...seatState(view, review, agent),
  }))
}

function seatState(view: ThreadView, { stage, absences }: Review, agent: AgentId): SeatState {
  const absence = absences.find(({ seat }) => seat.agent === agent)
  if (absence !== undefined) return absentState(view, agent, absence)
  if (stage.status === 'decided') return { state: 'done', reason: null }
  if (!stage.seats.some((seat) => seat.agent === agent)) return { state: 'waiting', reason: null }
  return troubleOf(view, agent, stage) ?? { state: 'due', reason: null }
}

/** Nobody waits for it any more, so a pause is no state of it: it is why the seat is absent. */
function absentState(view: ThreadView, agent: AgentId, { phase, round }: Review['absences'][number]): SeatState {
  const trouble = troubleOf(view, agent, { phase, round })
  if (trouble?.state === 'unavailable') return trouble
  const pause = trouble === undefined ? '' : `, paused: ${trouble.reason}`
  return { state: 'absent', reason: `no ${phase} in round ${round}${pause}` }
}

/** The last word of the seat's own node about the turn that is due. */
function troubleOf(
  { thread, entries }: ThreadView,
  agent: AgentId,
  { phase, round }: { readonly phase: ReviewPhase; readonly round: number },
): SeatState | undefined {
  const turn = turnIdOf({ thread, phase, round, agent })
  const home = peerOf(agent)
  const notes = entries.flatMap(({ entry, peer }) =>
    isType(entry, 'note') && entry.turn === turn && peer === home ? [entry] : [],
  )
  const last = notes.findLast(({ code }) => code === 'paused' || code === 'resumed' || code === 'unavailable')
  if (last?.code !== 'paused' && last?.code !== 'unavailable') return undefined
  return { state: last.code, reason: last.content }
}
