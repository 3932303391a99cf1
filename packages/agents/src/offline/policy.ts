import type { Finding, Severity } from '@bzzz/protocols'
import { findingRef, type SeatFindings } from '../review/task.ts'

/**
 * What a role holds as blocking. Only findings with verified evidence count.
 *
 * | role             | from its own seat | from other seats |
 * |------------------|-------------------|------------------|
 * | security         | medium and above  | high and above   |
 * | reviewer         | medium and above  | high and above   |
 * | architect        | medium and above  | high and above   |
 * | senior_architect | medium and above  | medium and above |
 * | any other        | medium and above  | high and above   |
 *
 * So a medium finding blocks for the seat that raised it and not yet for the others: they disagree in that round, and
 * the rejecting vote's blockers bind the next round's proposer.
 */
interface Policy {
  readonly own: Severity
  readonly others: Severity
}

const USUAL: Policy = { own: 'medium', others: 'high' }
const POLICIES: ReadonlyMap<string, Policy> = new Map([['senior_architect', { own: 'medium', others: 'medium' }]])

/** Changes being due anyway, everything from here on goes on the list of what must be mended. */
const WORTH_MENDING: Severity = 'medium'

export interface SeatFinding {
  readonly ref: string
  readonly role: string
  readonly finding: Finding
}

export function verifiedFindings(seats: readonly SeatFindings[]): SeatFinding[] {
  const all = seats.flatMap(({ role, entry, findings }) =>
    findings.map((finding, index) => ({ ref: findingRef(entry, index), role, finding })),
  )
  return all.filter(({ finding }) => finding.verified)
}

/** What the role will not approve the change with. */
export function blockingFor(role: string, findings: readonly SeatFinding[]): SeatFinding[] {
  const { own, others } = POLICIES.get(role) ?? USUAL
  return findings.filter((it) => isAtLeast(it.finding.severity, it.role === role ? own : others))
}

export function worthMending(findings: readonly SeatFinding[]): SeatFinding[] {
  return findings.filter(({ finding }) => isAtLeast(finding.severity, WORTH_MENDING))
}

/** A proposal's list is no longer than a reply has room for. */
export const MAX_BLOCKING = 100

/** The gravest first, as many as a proposal lists; equals in the order of the seats. */
export function gravest(findings: readonly SeatFinding[]): SeatFinding[] {
  const weight = ({ finding }: SeatFinding): number => ASCENDING.indexOf(finding.severity)
  return findings.toSorted((a, b) => weight(b) - weight(a)).slice(0, MAX_BLOCKING)
}

const ASCENDING: readonly Severity[] = ['info', 'low', 'medium', 'high', 'critical']

function isAtLeast(severity: Severity, threshold: Severity): boolean {
  return ASCENDING.indexOf(severity) >= ASCENDING.indexOf(threshold)
}
