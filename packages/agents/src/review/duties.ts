import { type AgentId, type EntryOf, type PeerId, type ReviewPhase, sha256 } from '@bzzz/protocols'
import { type Decision, idOf, verdictId } from './decision.ts'
import { isUnavailable } from './due.ts'
import { hasSpent } from './record.ts'
import type { Review, WaitingStage } from './review.ts'
import { entriesOf } from './view.ts'

/** An entry that somebody has to write on the review's behalf, once. */
export type Duty =
  | { readonly kind: 'timeout'; readonly phase: ReviewPhase; readonly round: number; readonly absent: AgentId[] }
  | { readonly kind: 'escalation'; readonly reason: string }
  | { readonly kind: 'verdict'; readonly decision: Decision }

export interface DutyContext {
  readonly self: PeerId
  /** Peers whose lease runs. */
  readonly live: ReadonlySet<PeerId>
  /** Wall milliseconds. */
  readonly now: number
}

/** What `self` has to write now: as the opener's node, or as its successor while that is gone. In the order to write it. */
export function dueDuties(review: Review, context: DutyContext): Duty[] {
  if (keeperOf(review, context) !== context.self) return []
  const { stage } = review
  if (stage.status === 'waiting') return dueTimeouts(review, stage, context.now)
  const verdict: Duty[] = review.verdict === undefined ? [{ kind: 'verdict', decision: stage.decision }] : []
  return [...dueEscalation(review, stage.decision), ...verdict]
}

/**
 * When a timeout may become due, wall milliseconds; undefined when none is awaited.
 * @param now wall milliseconds of the reader's clock, by which it is judged which time stamps to believe; all when absent
 */
export function deadlineOf(review: Review, now = Number.POSITIVE_INFINITY): number | undefined {
  const { stage, terms } = review
  return stage.status === 'waiting' ? waitingSinceMs(review, stage, now) + terms.seatTimeoutMs : undefined
}

/**
 * Clocks differ. One that is ahead of the reader's puts a deadline off by as much, so that no seat is given less than its
 * time; one that is ahead by more than that time is wrong, and what it says counts for nothing.
 */
function waitingSinceMs({ terms, record }: Review, { causesMs }: WaitingStage, now: number): number {
  const latestMs = now + terms.seatTimeoutMs
  return causesMs.reduce((since, ms) => (ms <= latestMs ? Math.max(since, ms) : since), record.open.entry.ts)
}

/** The opener's node while it lives; else the live seat's home with the smallest hash(thread, peer). */
export function keeperOf(review: Review, { self, live }: DutyContext): PeerId | undefined {
  const isLive = (peer: PeerId) => peer === self || live.has(peer)
  if (isLive(review.opener)) return review.opener
  const rank = (peer: PeerId) => Buffer.from(sha256('bzzz/successor/1\0', `${review.thread}/${peer}`)).toString('hex')
  return [...review.record.keepers].filter((peer) => isLive(peer)).sort((a, b) => (rank(a) < rank(b) ? -1 : 1))[0]
}

/** A seat whose home reported it unavailable is not waited for, nor one that has spent its turn on an invalid proposal. */
function dueTimeouts(review: Review, stage: WaitingStage, now: number): Duty[] {
  const { phase, round } = stage
  const expired = now >= waitingSinceMs(review, stage, now) + review.terms.seatTimeoutMs
  const absent = stage.seats
    .filter((seat) => expired || isUnavailable(review, stage, seat) || hasSpent(review.record, phase, round, seat))
    .map((seat) => seat.agent)
  return absent.length > 0 ? [{ kind: 'timeout', phase, round, absent }] : []
}

function dueEscalation(review: Review, { outcome, reason = 'escalated' }: Decision): Duty[] {
  const written = entriesOf(review.record.view, 'escalation').some(({ entry }) => entry.id === escalationId(review))
  return outcome === 'escalated' && !written ? [{ kind: 'escalation', reason }] : []
}

function escalationId(review: Review): string {
  return idOf('escalation', review.thread)
}

/** The entry that does a duty. Its id follows from what it says, so a second one by the same node is a repeat. */
export function dutyEntry(
  review: Review,
  duty: Duty,
  { self, now }: DutyContext,
): EntryOf<'timeout'> | EntryOf<'escalation'> | EntryOf<'verdict'> {
  const base = { author: `system@${self}`, ts: now }
  switch (duty.kind) {
    case 'timeout': {
      const { kind: type, phase, round, absent } = duty
      const id = idOf('timeout', review.thread, phase, String(round), ...absent)
      const content = `no ${phase} entry in round ${round} from ${absent.join(', ')}`
      return { ...base, type, id, phase, round, absent, content }
    }
    case 'escalation': {
      const { kind: type, reason } = duty
      return { ...base, type, id: escalationId(review), reason, state: 'pending', content: reason }
    }
    case 'verdict': {
      const { outcome, round, proposal, reason } = duty.decision
      const content = reason === undefined ? `${outcome} in round ${round}` : `${outcome}: ${reason}`
      const heads = review.record.view.heads.slice(0, 256)
      return {
        ...base,
        type: 'verdict',
        id: verdictId(review.thread),
        outcome,
        round,
        proposal,
        heads,
        content,
        reason,
      }
    }
  }
}
