import {
  type AgentId,
  type EntryOf,
  type Finding,
  type PeerId,
  parseAgentId,
  proposalHash,
  type ReviewPhase,
  type ReviewTerms,
  type TurnId,
  turnIdOf,
} from '@bzzz/protocols'
import { findingRef } from './task.ts'
import { entriesOf, type ThreadView, type ViewedEntry } from './view.ts'

/** A required role and the agent that fills it. Only the agent's home node takes its turns. */
export interface Seat {
  readonly role: string
  readonly agent: AgentId
  readonly home: PeerId
}

/** The one entry type in which the turns of a phase end. */
export interface TurnEntries {
  findings: EntryOf<'finding'>
  discussion: EntryOf<'message'>
  proposal: EntryOf<'proposal'>
  vote: EntryOf<'vote'>
}
const ENTRY_TYPE = { findings: 'finding', discussion: 'message', proposal: 'proposal', vote: 'vote' } as const

export type Timeout = ViewedEntry<EntryOf<'timeout'>>
export interface Proposal {
  readonly seat: Seat
  readonly hash: string
  readonly entry: EntryOf<'proposal'>
}

/** What the entries of a review say, by seat, phase and round; nothing is concluded from them yet. */
export interface ReviewRecord {
  readonly view: ThreadView
  readonly open: ViewedEntry<EntryOf<'open'>>
  readonly terms: ReviewTerms
  readonly seats: readonly Seat[]
  /** Who may keep the review's time and write its end: the opener's node, and the nodes of the seats. */
  readonly keepers: ReadonlySet<PeerId>
  readonly timeouts: readonly Timeout[]
  readonly notes: readonly ViewedEntry<EntryOf<'note'>>[]
  /** A turn has one entry at most: the turn's id, signed by the seat's home, written in the seat's name. */
  turnEntry<P extends ReviewPhase>(phase: P, round: number, seat: Seat): ViewedEntry<TurnEntries[P]> | undefined
}

/** By the mesh's manifest, in which a member's role never changes. */
export type IsLaptop = (peer: PeerId) => boolean

export const nobodyIsLaptop: IsLaptop = () => false

/**
 * A seat on a laptop is none that anybody takes: agents live on nodes, and whoever opens a review could otherwise seat
 * himself.
 * @returns undefined when the thread's first entry asks for no review, or is not there yet
 */
export function readRecord(view: ThreadView, isLaptop: IsLaptop): ReviewRecord | undefined {
  const open = entriesOf(view, 'open')[0]
  const terms = open?.entry.review
  if (open === undefined || terms === undefined) return undefined
  const seats = terms.seats.map(seatOf)
  const homes = seats.map((seat) => seat.home).filter((home) => !isLaptop(home))
  const keepers = new Set([open.peer, ...homes])
  const signed = view.entries.filter(({ laptop }) => !laptop)
  const byId = new Map(signed.map((viewed) => [`${viewed.peer}/${viewed.entry.id}`, viewed]))
  return {
    view,
    open,
    terms,
    seats,
    keepers,
    timeouts: entriesOf(view, 'timeout').filter((timeout) => keepers.has(timeout.peer)),
    notes: entriesOf(view, 'note'),
    turnEntry<P extends ReviewPhase>(phase: P, round: number, seat: Seat) {
      if (isLaptop(seat.home)) return undefined
      const found = byId.get(`${seat.home}/${turnOf(view, phase, round, seat)}`)
      return found !== undefined && isTurnEntry(found, phase, seat) ? found : undefined
    },
  }
}

function isTurnEntry<P extends ReviewPhase>(
  viewed: ViewedEntry,
  phase: P,
  seat: Seat,
): viewed is ViewedEntry<TurnEntries[P]> {
  return viewed.entry.type === ENTRY_TYPE[phase] && viewed.entry.author === seat.agent
}

function seatOf({ role, agent }: ReviewTerms['seats'][number]): Seat {
  const parsed = parseAgentId(agent)
  if (parsed === undefined) throw new TypeError(`not an agent id: ${agent}`)
  return { role, agent, home: parsed.peer }
}

export function turnOf(view: Pick<ThreadView, 'thread'>, phase: ReviewPhase, round: number, seat: Seat): TurnId {
  return turnIdOf({ thread: view.thread, phase, round, agent: seat.agent })
}

/** Whether the seat has taken its turn. A proposal that nobody may vote on is none, and never becomes one. */
export function hasTaken(record: ReviewRecord, phase: ReviewPhase, round: number, seat: Seat): boolean {
  if (phase === 'proposal') return validProposals(record, round).some((proposal) => proposal.seat === seat)
  return hasSpent(record, phase, round, seat)
}

/** Whether the seat's entry for the turn is there, whatever it is worth: there is never a second one. */
export function hasSpent(record: ReviewRecord, phase: ReviewPhase, round: number, seat: Seat): boolean {
  return record.turnEntry(phase, round, seat) !== undefined
}

/** A seat that a timeout names and that still has not taken that turn. A late entry brings the seat back. */
export function absenceOf(record: ReviewRecord, seat: Seat): Timeout | undefined {
  return record.timeouts.find(
    ({ entry }) => entry.absent.includes(seat.agent) && !hasTaken(record, entry.phase, entry.round, seat),
  )
}

export function absentSeats(record: ReviewRecord): Seat[] {
  return record.seats.filter((seat) => absenceOf(record, seat) !== undefined)
}

/** Seats whose turn in this phase is still to be taken. */
export function awaitedSeats(record: ReviewRecord, phase: ReviewPhase, round: number): Seat[] {
  return record.seats.filter((seat) => !hasTaken(record, phase, round, seat) && absenceOf(record, seat) === undefined)
}

/** Seats in the order in which they may propose: the first proposes, the next only when those before it are timed out. */
export function proposersOf(record: ReviewRecord, round: number): Seat[] {
  const first = (round - 1) % record.seats.length
  return [...record.seats.slice(first), ...record.seats.slice(0, first)]
}

/**
 * Proposals that votes may be cast on, smallest hash first. Validity looks only at a proposal's own causal past, so it is
 * the same in every view that holds the proposal.
 */
export function validProposals(record: ReviewRecord, round: number): Proposal[] {
  const proposers = proposersOf(record, round)
  return proposers
    .flatMap((seat, place) => {
      const viewed = record.turnEntry('proposal', round, seat)
      const valid = viewed !== undefined && viewed.entry.round === round && isGrounded(record, viewed, proposers, place)
      return valid ? [{ seat, hash: proposalHash(viewed.entry), entry: viewed.entry }] : []
    })
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
}

/** In turn, after every seat was heard, about a change that was read; and changes are requested for a proven finding. */
function isGrounded(
  record: ReviewRecord,
  proposal: ViewedEntry<EntryOf<'proposal'>>,
  proposers: readonly Seat[],
  place: number,
): boolean {
  const known = (entry: ViewedEntry | undefined) => entry !== undefined && record.view.precedes(entry, proposal)
  const timedOut = (seat: Seat, phase?: ReviewPhase) =>
    record.timeouts.some(
      (timeout) =>
        timeout.entry.absent.includes(seat.agent) &&
        (phase === undefined || timeout.entry.phase === phase) &&
        known(timeout),
    )
  const heard = record.seats.every((seat) => known(record.turnEntry('findings', 1, seat)) || timedOut(seat, 'findings'))
  const { outcome, blocking } = proposal.entry
  const proven = outcome === 'approved' || provenRefs(record, blocking, proposal).length > 0
  return heard && proposers.slice(0, place).every((seat) => timedOut(seat)) && isRead(record, proposal) && proven
}

/**
 * Those of an entry's refs that name a verified finding in its causal past: the same in every view that holds the entry.
 * No other may weigh in a decision.
 */
export function provenRefs(record: ReviewRecord, refs: readonly string[], by: ViewedEntry): string[] {
  if (refs.length === 0) return []
  const proven = new Set(readingsOf(record, by).flatMap(({ entry }) => verifiedRefs(entry.id, entry.findings)))
  return refs.filter((ref) => proven.has(ref))
}

export function verifiedRefs(id: string, findings: readonly Finding[]): string[] {
  return findings.flatMap(({ verified }, index) => (verified ? [findingRef(id, index)] : []))
}

/** Whether a seat read any file of the change, as far as `by` knows; an empty change counts as read. */
export function isRead(record: ReviewRecord, by?: ViewedEntry): boolean {
  if (record.terms.change.files === 0) return true
  return readingsOf(record, by).some(({ entry }) => entry.coverage.some(({ reviewed }) => reviewed))
}

/** What the seats found, as far as `by` knows. */
function readingsOf(record: ReviewRecord, by?: ViewedEntry): ViewedEntry<EntryOf<'finding'>>[] {
  const found = record.seats.flatMap((seat) => record.turnEntry('findings', 1, seat) ?? [])
  return by === undefined ? found : found.filter((viewed) => record.view.precedes(viewed, by))
}

/** Why a seat's turn stands still, by its home's own notes. */
export function troubleOf(
  record: ReviewRecord,
  turn: TurnId,
  seat: Seat,
): { code: 'paused' | 'unavailable'; reason: string } | undefined {
  const notes = record.notes.filter(({ entry, peer }) => entry.turn === turn && peer === seat.home)
  const last = (code: string) => notes.findLast(({ entry }) => entry.code === code)
  const unavailable = last('unavailable')
  if (unavailable !== undefined) return { code: 'unavailable', reason: unavailable.entry.content }
  const paused = notes.filter(({ entry }) => entry.code === 'paused')
  const resumed = notes.filter(({ entry }) => entry.code === 'resumed')
  if (paused.length <= resumed.length) return undefined
  return { code: 'paused', reason: last('paused')?.entry.content ?? '' }
}

export function countNotes(record: ReviewRecord, turn: TurnId, code: EntryOf<'note'>['code']): number {
  return record.notes.filter(({ entry }) => entry.turn === turn && entry.code === code).length
}
