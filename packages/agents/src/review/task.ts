import type { AgentId, ChangeSet, EntryOf, Finding } from '@bzzz/protocols'
import { recheckFinding } from '../change/evidence.ts'

/** What a turn is asked, as data. Prompts are written from it; a provider without a language model reads it instead. */
export type ReviewTask = FindingsTask | DiscussionTask | ProposalTask | VoteTask

export interface FindingsTask {
  readonly phase: 'findings'
  readonly role: string
  /** The whole change; in a step that shows one file by parts, that file holds only this step's hunks and no text. */
  readonly change: ChangeSet
  /** Paths that this step is about. Nothing else in `change` is to be reported on. */
  readonly files: readonly string[]
}

export interface DiscussionTask {
  readonly phase: 'discussion'
  readonly role: string
  readonly agent: AgentId
  /** From 1. */
  readonly round: number
  readonly change: ChangeSet
  readonly findings: readonly SeatFindings[]
}

export interface ProposalTask {
  readonly phase: 'proposal'
  readonly role: string
  readonly agent: AgentId
  readonly round: number
  readonly change: ChangeSet
  readonly findings: readonly SeatFindings[]
  /** Finding refs raised by rejecting votes of earlier rounds. */
  readonly openBlockers: readonly string[]
}

export interface VoteTask {
  readonly phase: 'vote'
  readonly role: string
  readonly agent: AgentId
  readonly round: number
  readonly change: ChangeSet
  readonly findings: readonly SeatFindings[]
  readonly proposal: Pick<EntryOf<'proposal'>, 'outcome' | 'blocking' | 'content'>
}

/** What one seat found, in its own order: the i-th is referred to as `<entry>#<i>`, from 0. */
export interface SeatFindings {
  readonly role: string
  readonly agent: AgentId
  /** Id of the finding entry. */
  readonly entry: string
  readonly findings: readonly Finding[]
}

/** What others say that a tool found, as far as it stands in the change before us. */
export function recheckedFindings(change: ChangeSet, seats: readonly SeatFindings[]): SeatFindings[] {
  return seats.map((seat) => ({ ...seat, findings: seat.findings.map((finding) => recheckFinding(change, finding)) }))
}

export function findingRef(entry: string, index: number): string {
  return `${entry}#${index}`
}
