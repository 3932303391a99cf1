import type { AgentId, ChangeSet, EntryOf, Finding, NanoUsd, PeerId, ReviewPhase, ThreadId } from '@bzzz/protocols'
import { isApproval } from './decision.ts'
import { type ReviewRecord, type Seat, type TurnEntries, troubleOf, turnOf, validProposals } from './record.ts'
import type { Review, WaitingStage } from './review.ts'
import { bySeverity } from './severity.ts'
import { findingRef, recheckedFindings } from './task.ts'
import type { ViewedEntry } from './view.ts'

/** A review for the people who asked for it, read from its thread alone. */
export interface ReviewReport {
  readonly thread: ThreadId
  /** `running` until the verdict's entry is there. */
  readonly verdict: 'approved' | 'changes_requested' | 'escalated' | 'running' | 'paused'
  /** Why it was escalated or stands still, or what it waits for; null for an outcome that the votes explain. */
  readonly reason: string | null
  /** Rounds begun. */
  readonly rounds: number
  /** With evidence that a tool found; the most severe first. */
  readonly findings: readonly ReportedFinding[]
  /** Claims whose quote does not stand where they say. They count for nothing. */
  readonly unverified: readonly ReportedFinding[]
  readonly votes: readonly ReportedVote[]
  /** Votes that were not for the proposal of their round. */
  readonly dissent: readonly ReportedVote[]
  readonly coverage: readonly FileCoverage[]
  readonly cost: Cost
  /** True when any part came from rules or play money instead of a language model and dollars. */
  readonly simulated: boolean
}

export interface ReportedFinding extends Finding {
  /** `<entry>#<index>`, as votes and proposals refer to it. */
  readonly ref: string
  readonly agent: AgentId
  readonly role: string
  /** Whether it may weigh in the decision: only with verified evidence. */
  readonly counted: boolean
  /** Whether the proposal of the last round wants it mended. */
  readonly blocking: boolean
}

export interface ReportedVote {
  readonly round: number
  readonly role: string
  readonly agent: AgentId
  readonly choice: EntryOf<'vote'>['choice']
  readonly blockers: readonly string[]
  readonly content: string
}

/** `*`: every file that has no row of its own. */
export interface FileCoverage {
  readonly file: string
  readonly readBy: readonly string[]
  readonly notReadBy: readonly { readonly role: string; readonly reason: string }[]
}

/**
 * Nano-dollars, as each turn's entry says, which tells of the whole turn; of a turn without one, as the last note of its
 * home does. What was spent after that note is on that node's bill only.
 */
export interface Cost {
  readonly total: NanoUsd
  readonly byAgent: readonly { readonly agent: AgentId; readonly role: string; readonly amount: NanoUsd }[]
  readonly byNode: readonly { readonly peer: PeerId; readonly amount: NanoUsd }[]
}

/** @param change where it is at hand: evidence is then looked up anew, since a seat's node can write what it likes */
export function reviewReport(review: Review, change?: ChangeSet): ReviewReport {
  const findings = reportedFindings(review, change)
  const votes = reportedVotes(review)
  const words = lastWords(review)
  return {
    thread: review.thread,
    ...standing(review),
    rounds: review.stage.status === 'waiting' ? review.stage.round : review.stage.decision.round,
    findings: findings.filter(({ verified }) => verified),
    unverified: findings.filter(({ verified }) => !verified),
    votes: votes.map(({ vote }) => vote),
    dissent: votes.filter(({ approval }) => !approval).map(({ vote }) => vote),
    coverage: coverageOf(review),
    cost: costOf(words),
    simulated: words.some(({ entry }) => entry.simulated === true),
  }
}

function standing(review: Review): Pick<ReviewReport, 'verdict' | 'reason'> {
  const { stage, verdict } = review
  if (verdict !== undefined) return { verdict: verdict.outcome, reason: verdict.reason ?? null }
  if (stage.status === 'decided') return { verdict: 'running', reason: 'waiting for the verdict to be written' }
  const paused = pausedSeats(review, stage)
  if (paused.length > 0) return { verdict: 'paused', reason: paused.join('; ') }
  const roles = stage.seats.map(({ role }) => role).join(', ')
  return { verdict: 'running', reason: `waiting for ${roles} (${stage.phase}, round ${stage.round})` }
}

function pausedSeats(review: Review, { seats, phase, round }: WaitingStage): string[] {
  return seats.flatMap((seat) => {
    const trouble = troubleOf(review.record, turnOf(review, phase, round, seat), seat)
    return trouble?.code === 'paused' ? [`${seat.role}: ${trouble.reason}`] : []
  })
}

function reportedFindings(review: Review, change: ChangeSet | undefined): ReportedFinding[] {
  const blocking = new Set(lastProposal(review.record)?.blocking)
  const seats = change === undefined ? review.findings : recheckedFindings(change, review.findings)
  return seats
    .flatMap(({ agent, role, entry, findings }) =>
      findings.map((finding, index) => {
        const ref = findingRef(entry, index)
        const counted = finding.verified
        return { ...finding, ref, agent, role, counted, blocking: counted && blocking.has(ref) }
      }),
    )
    .sort((a, b) => bySeverity(a, b) || a.file.localeCompare(b.file, 'en') || a.line - b.line)
}

function lastProposal(record: ReviewRecord): EntryOf<'proposal'> | undefined {
  const rounds = Array.from({ length: record.terms.rounds }, (_, i) => record.terms.rounds - i)
  return rounds.map((round) => validProposals(record, round)[0]?.entry).find((entry) => entry !== undefined)
}

function reportedVotes(review: Review): { vote: ReportedVote; approval: boolean }[] {
  return entriesIn(review, 'vote').map(({ seat, round, entry, viewed }) => ({
    vote: {
      round,
      role: seat.role,
      agent: seat.agent,
      choice: entry.choice,
      blockers: entry.blockers,
      content: entry.content,
    },
    approval: isApproval(review.record, viewed),
  }))
}

function coverageOf(review: Review): FileCoverage[] {
  const files = new Map<string, { readBy: string[]; notReadBy: { role: string; reason: string }[] }>()
  for (const { seat, entry } of entriesIn(review, 'findings')) {
    for (const { file, reviewed, reason = 'not read' } of entry.coverage) {
      const row = files.get(file) ?? { readBy: [], notReadBy: [] }
      if (reviewed) row.readBy.push(seat.role)
      else row.notReadBy.push({ role: seat.role, reason })
      files.set(file, row)
    }
  }
  return [...files].map(([file, row]) => ({ file, ...row }))
}

function costOf(words: readonly LastWord[]): Cost {
  const byAgent = new Map<Seat, bigint>()
  const byNode = new Map<PeerId, bigint>()
  for (const { seat, entry } of words) {
    const amount = BigInt(entry.cost ?? 0)
    byAgent.set(seat, (byAgent.get(seat) ?? 0n) + amount)
    byNode.set(seat.home, (byNode.get(seat.home) ?? 0n) + amount)
  }
  return {
    total: [...byNode.values()].reduce((sum, amount) => sum + amount, 0n) as NanoUsd,
    byAgent: [...byAgent].map(([{ agent, role }, amount]) => ({ agent, role, amount: amount as NanoUsd })),
    byNode: [...byNode].map(([peer, amount]) => ({ peer, amount: amount as NanoUsd })),
  }
}

interface LastWord {
  readonly seat: Seat
  readonly entry: Pick<EntryOf<'note'>, 'cost' | 'simulated'>
}

/** Of each turn the entry that tells what it cost: its own, else the last note of its home that names a cost. */
function lastWords(review: Review): LastWord[] {
  const { record, seats } = review
  const told = turnEntriesOf(review)
  const ended = new Set(told.map(({ seat, entry }) => `${seat.home}/${entry.id}`))
  const priced = record.notes.filter(({ entry }) => entry.turn !== undefined && entry.cost !== undefined)
  const notes = new Map(priced.map(({ peer, entry }) => [`${peer}/${entry.turn}`, entry]))
  const open = [...notes].flatMap(([turn, entry]) => {
    const seat = seats.find(({ agent, home }) => agent === entry.author && turn === `${home}/${entry.turn}`)
    return seat === undefined || ended.has(turn) ? [] : [{ seat, entry }]
  })
  return [...told, ...open]
}

interface SeatEntry<P extends ReviewPhase> {
  readonly seat: Seat
  readonly round: number
  readonly entry: TurnEntries[P]
  readonly viewed: ViewedEntry<TurnEntries[P]>
}

function turnEntriesOf(review: Review): SeatEntry<ReviewPhase>[] {
  const phases = ['findings', 'discussion', 'proposal', 'vote'] as const
  return phases.flatMap((phase): SeatEntry<ReviewPhase>[] => entriesIn(review, phase))
}

/** What the seats wrote in one phase, round by round. */
function entriesIn<P extends ReviewPhase>({ record }: Review, phase: P): SeatEntry<P>[] {
  const rounds = Array.from({ length: phase === 'findings' ? 1 : record.terms.rounds }, (_, i) => i + 1)
  return rounds.flatMap((round) =>
    record.seats.flatMap((seat) => {
      const viewed = record.turnEntry(phase, round, seat)
      return viewed === undefined ? [] : [{ seat, round, entry: viewed.entry, viewed }]
    }),
  )
}
