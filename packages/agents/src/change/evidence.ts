import type { ChangedFile, ChangeSet, Finding } from '@bzzz/protocols'
import { hunkLines, newLines } from './lines.ts'

/**
 * Looks the quote up in the change. White space at its ends does not count, and the quote may be a part of the line or
 * run over several lines.
 * @returns the finding with `verified: true` when the quote stands at `file:line`, or, with that line put right, when
 * it stands elsewhere in the file's changed hunks (the nearest place counts); else with `verified: false`
 */
export function verifyFinding(change: ChangeSet, finding: Omit<Finding, 'verified'>): Finding {
  const file = change.files.find((candidate) => candidate.path === finding.file && candidate.status !== 'deleted')
  const quote = finding.quote.trim().split('\n').map(trimmed)
  if (file === undefined || quote[0] === '') return { ...finding, verified: false }
  const { known, changed } = linesOf(file)
  if (standsAt(known, finding.line, quote)) return { ...finding, verified: true }
  const line = nearest(changed, finding.line, quote)
  return line === undefined ? { ...finding, verified: false } : { ...finding, line, verified: true }
}

/** Findings looked up before: reports and prompts ask for the same ones again and again. */
const rechecked = new WeakMap<ChangeSet, WeakMap<Finding, Finding>>()

/** A finding that somebody else calls verified, by the reader's own look into the change. It never gains by it. */
export function recheckFinding(change: ChangeSet, finding: Finding): Finding {
  if (!finding.verified) return finding
  const known = rechecked.get(change) ?? new WeakMap<Finding, Finding>()
  const own = known.get(finding) ?? verifyFinding(change, finding)
  known.set(finding, own)
  rechecked.set(change, known)
  return own
}

type Lines = ReadonlyMap<number, string>

/** Lines of the new file by their number, trimmed: all that are known, and those of the hunks. */
interface FileLines {
  readonly known: Lines
  readonly changed: Lines
}

/** A reply may make thousands of claims about one long file: its lines are laid out once for all of them. */
const laidOut = new WeakMap<ChangedFile, FileLines>()

function linesOf(file: ChangedFile): FileLines {
  const before = laidOut.get(file)
  if (before !== undefined) return before
  const lines = { known: trimmedLines(newLines(file)), changed: trimmedLines(hunkLines(file)) }
  laidOut.set(file, lines)
  return lines
}

function trimmedLines(lines: Lines): Lines {
  return new Map([...lines].map(([line, text]) => [line, trimmed(text)]))
}

function trimmed(text: string): string {
  return text.trim()
}

// A shorter piece, such as a bracket, stands in almost every line and proves nothing: it must be the whole line.
const MIN_PART_CHARS = 8

function standsAt(lines: Lines, line: number, quote: readonly string[]): boolean {
  return quote.every((part, index) => isQuoteOf(lines.get(line + index), part))
}

function isQuoteOf(line: string | undefined, part: string): boolean {
  return line === part || (part.length >= MIN_PART_CHARS && line?.includes(part) === true)
}

function nearest(lines: Lines, wanted: number, quote: readonly string[]): number | undefined {
  const [first = '', ...rest] = quote
  let found: number | undefined
  for (const [line, text] of lines) {
    if (!isQuoteOf(text, first) || !standsAt(lines, line + 1, rest)) continue
    if (found === undefined || Math.abs(line - wanted) < Math.abs(found - wanted)) found = line
  }
  return found
}
