import { type EntryOf, sha256, type ThreadId } from '@bzzz/protocols'
import {
  absenceOf,
  absentSeats,
  awaitedSeats,
  hasSpent,
  isRead,
  type Proposal,
  provenRefs,
  type ReviewRecord,
  troubleOf,
  turnOf,
  validProposals,
} from './record.ts'
import { entriesOf, type ViewedEntry } from './view.ts'

/** How a review ends. */
export interface Decision {
  readonly outcome: EntryOf<'verdict'>['outcome']
  readonly round: number
  /** Hash of the proposal that every seat approved; null when escalated. */
  readonly proposal: string | null
  /** For people; set when escalated. */
  readonly reason?: string
}

/** What the entries decide, whether or not somebody has written it down. */
export function findDecision(record: ReviewRecord): Decision | undefined {
  if (absentSeats(record).length === record.seats.length) return absentDecision(record, 1)
  if (awaitedSeats(record, 'findings', 1).length === 0 && !isRead(record))
    return { outcome: 'escalated', round: 1, proposal: null, reason: 'nothing could be read' }
  for (let round = 1; round <= record.terms.rounds; round++) {
    const agreed = agreedProposal(record, round)
    if (agreed !== undefined) return { outcome: agreed.entry.outcome, round, proposal: agreed.hash }
    const voted = validProposals(record, round).length > 0 && awaitedSeats(record, 'vote', round).length === 0
    if (!voted) return undefined
    if (absentSeats(record).length > 0) return absentDecision(record, round)
  }
  const rounds = record.terms.rounds
  return {
    outcome: 'escalated',
    round: rounds,
    proposal: null,
    reason: `no consensus after ${rounds} ${rounds === 1 ? 'round' : 'rounds'}`,
  }
}

/** The proposal of the round that every seat approved, with no blocker. Votes on a larger hash count for that hash alone. */
export function agreedProposal(record: ReviewRecord, round: number): Proposal | undefined {
  return validProposals(record, round).find(({ hash }) =>
    record.seats.every((seat) => {
      const vote = record.turnEntry('vote', round, seat)
      return vote?.entry.round === round && vote.entry.proposal === hash && isApproval(record, vote)
    }),
  )
}

/** A blocker counts when its evidence was found. */
export function isApproval(record: ReviewRecord, vote: ViewedEntry<EntryOf<'vote'>>): boolean {
  return vote.entry.choice === 'approve' && provenRefs(record, vote.entry.blockers, vote).length === 0
}

function absentDecision(record: ReviewRecord, round: number): Decision {
  const roles = new Map<string, string[]>()
  for (const seat of absentSeats(record)) {
    const why = whyAbsent(record, seat)
    roles.set(why, [...(roles.get(why) ?? []), seat.role])
  }
  const reason = [...roles].map(([why, names]) => `${names.join(', ')} ${why}`).join('; ')
  return { outcome: 'escalated', round, proposal: null, reason }
}

function whyAbsent(record: ReviewRecord, seat: ReviewRecord['seats'][number]): string {
  const timeout = absenceOf(record, seat)?.entry
  if (timeout === undefined) return 'absent'
  if (hasSpent(record, timeout.phase, timeout.round, seat)) return 'made no valid proposal'
  const trouble = troubleOf(record, turnOf(record.view, timeout.phase, timeout.round, seat), seat)
  if (trouble === undefined) return 'absent'
  return trouble.code === 'paused' ? 'paused by budget' : 'unavailable'
}

/**
 * The verdict that stands: of those written by the opener's node or a seat's, one that a unanimous round bears out goes
 * before an escalation, then the smaller (round, proposal).
 */
export function keptVerdict(record: ReviewRecord): EntryOf<'verdict'> | undefined {
  const id = verdictId(record.view.thread)
  return entriesOf(record.view, 'verdict')
    .filter(({ entry, peer }) => entry.id === id && record.keepers.has(peer) && isBorneOut(record, entry))
    .map(({ entry }) => entry)
    .sort(byWeight)[0]
}

/** One node cannot approve on its own: the votes must be there. They precede the verdict, so every view has them. */
function isBorneOut(record: ReviewRecord, verdict: EntryOf<'verdict'>): boolean {
  if (verdict.outcome === 'escalated') return true
  const agreed = agreedProposal(record, verdict.round)
  return agreed?.hash === verdict.proposal && agreed.entry.outcome === verdict.outcome
}

function byWeight(a: EntryOf<'verdict'>, b: EntryOf<'verdict'>): number {
  const escalated = Number(a.outcome === 'escalated') - Number(b.outcome === 'escalated')
  if (escalated !== 0) return escalated
  if (a.round !== b.round) return a.round - b.round
  return `${a.proposal}/${a.author}` < `${b.proposal}/${b.author}` ? -1 : 1
}

export function verdictId(thread: ThreadId): string {
  return idOf('verdict', thread)
}

/** Ids of entries that stand for a fact, so that writing one twice is writing it once. */
export function idOf(...fields: string[]): string {
  return Buffer.from(sha256('bzzz/entry-id/1\0', JSON.stringify(fields))).toString('hex')
}
