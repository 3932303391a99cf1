import type { EntryOf, PeerId, ReviewPhase, ReviewTerms, ThreadId } from '@bzzz/protocols'
import { type Decision, findDecision, keptVerdict } from './decision.ts'
import {
  absenceOf,
  absentSeats,
  awaitedSeats,
  type IsLaptop,
  nobodyIsLaptop,
  proposersOf,
  type ReviewRecord,
  readRecord,
  type Seat,
  validProposals,
  verifiedRefs,
} from './record.ts'
import type { SeatFindings } from './task.ts'
import type { ThreadView } from './view.ts'

/**
 * Where a review stands, read from a thread's entries alone: nothing is stored beside them, so every node with the same
 * entries reads the same, and a node with fewer reads an earlier state of it.
 *
 * findings -> (discussion -> proposal -> vote) per round -> decided. What keeps two nodes from deciding differently:
 * - A seat has one entry per phase and round, and leaves a round only when every vote of it is in, or somebody timed out.
 * - So a round in which all seats approved one proposal excludes every other such round, in any view.
 * - A timeout alone can only escalate to people; and a unanimous round outweighs an escalation that had not seen it.
 */
export interface Review {
  readonly thread: ThreadId
  readonly terms: ReviewTerms
  readonly opener: PeerId
  readonly seats: readonly Seat[]
  readonly stage: Stage
  /** The entry that stands, once there is one. */
  readonly verdict: EntryOf<'verdict'> | undefined
  /** In seat order, of those that came. */
  readonly findings: readonly SeatFindings[]
  /** Seats that a timeout took out of the review, each with the turn that it has not taken. */
  readonly absences: readonly Absence[]
  /** Refs of verified findings that non-approving votes of earlier rounds, or of this one so far, stand on. */
  readonly openBlockers: readonly string[]
  readonly record: ReviewRecord
}

export interface Absence {
  readonly seat: Seat
  readonly phase: ReviewPhase
  readonly round: number
}

export type Stage = WaitingStage | { readonly status: 'decided'; readonly decision: Decision }

export interface WaitingStage {
  readonly status: 'waiting'
  readonly phase: ReviewPhase
  /** From 1. */
  readonly round: number
  /** Seats whose entry is awaited now. */
  readonly seats: readonly Seat[]
  /** Time stamps of the entries that the phase had to wait for, wall milliseconds of their authors. */
  readonly causesMs: readonly number[]
}

/** @returns undefined for a thread that is not a review */
export function readReview(view: ThreadView, isLaptop: IsLaptop = nobodyIsLaptop): Review | undefined {
  const record = readRecord(view, isLaptop)
  if (record === undefined) return undefined
  const verdict = keptVerdict(record)
  return {
    thread: view.thread,
    terms: record.terms,
    opener: record.open.peer,
    seats: record.seats,
    stage: verdict === undefined ? stageOf(record) : { status: 'decided', decision: verdict },
    verdict,
    findings: seatFindings(record),
    absences: absencesIn(record),
    openBlockers: blockersOf(record),
    record,
  }
}

function stageOf(record: ReviewRecord): Stage {
  const decision = findDecision(record)
  if (decision !== undefined) return { status: 'decided', decision }
  const seats = awaitedSeats(record, 'findings', 1)
  if (seats.length > 0) return { status: 'waiting', phase: 'findings', round: 1, seats, causesMs: [] }
  let causesMs = timesOf(record, 'findings', 1)
  for (let round = 1; ; round++) {
    const stage = stageOfRound(record, round, causesMs)
    if (stage !== undefined) return stage
    causesMs = [...causesMs, ...timesOf(record, 'vote', round)]
  }
}

/** @returns undefined when every vote of the round is in. Ends: the last round's votes make a decision. */
function stageOfRound(record: ReviewRecord, round: number, begunMs: readonly number[]): WaitingStage | undefined {
  const [proposal] = validProposals(record, round)
  if (proposal !== undefined) {
    const seats = awaitedSeats(record, 'vote', round)
    return seats.length > 0
      ? { status: 'waiting', phase: 'vote', round, seats, causesMs: [...begunMs, proposal.entry.ts] }
      : undefined
  }
  const discussing = isDiscussed(record, round) ? awaitedSeats(record, 'discussion', round) : []
  if (discussing.length > 0) {
    return { status: 'waiting', phase: 'discussion', round, seats: discussing, causesMs: begunMs }
  }
  const absent = absentSeats(record)
  const seats = proposersOf(record, round)
    .filter((seat) => !absent.includes(seat))
    .slice(0, 1)
  const saidMs = [...timesOf(record, 'discussion', round), ...timesOf(record, 'proposal', round)]
  return { status: 'waiting', phase: 'proposal', round, seats, causesMs: [...begunMs, ...saidMs] }
}

/** With nothing found there is nothing to talk about; after a round that failed there always is. */
function isDiscussed(record: ReviewRecord, round: number): boolean {
  return round > 1 || seatFindings(record).some(({ findings }) => findings.length > 0)
}

function timesOf(record: ReviewRecord, phase: ReviewPhase, round: number): number[] {
  const entries = record.seats.flatMap((seat) => record.turnEntry(phase, round, seat)?.entry.ts ?? [])
  const timeouts = record.timeouts.filter(({ entry }) => entry.phase === phase && entry.round === round)
  return [...entries, ...timeouts.map(({ entry }) => entry.ts)]
}

function seatFindings(record: ReviewRecord): SeatFindings[] {
  return record.seats.flatMap((seat) => {
    const entry = record.turnEntry('findings', 1, seat)?.entry
    return entry === undefined
      ? []
      : [{ role: seat.role, agent: seat.agent, entry: entry.id, findings: entry.findings }]
  })
}

function absencesIn(record: ReviewRecord): Absence[] {
  return record.seats.flatMap((seat) => {
    const timeout = absenceOf(record, seat)?.entry
    return timeout === undefined ? [] : [{ seat, phase: timeout.phase, round: timeout.round }]
  })
}

function blockersOf(record: ReviewRecord): string[] {
  const refs = new Set(seatFindings(record).flatMap(({ entry, findings }) => verifiedRefs(entry, findings)))
  const raised = votesOf(record).flatMap((vote) => vote.blockers)
  return [...new Set(raised)].filter((ref) => refs.has(ref))
}

/** Votes of the seats, round by round. */
export function votesOf(record: ReviewRecord): EntryOf<'vote'>[] {
  const rounds = Array.from({ length: record.terms.rounds }, (_, i) => i + 1)
  return rounds.flatMap((round) => record.seats.flatMap((seat) => record.turnEntry('vote', round, seat)?.entry ?? []))
}
