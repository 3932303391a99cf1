import type { ChangeSet, Finding } from '@bzzz/protocols'
import { hunkLines, newLines } from './lines.ts'

/**
 * Looks the quote up in the change. White space at its ends does not count, and the quote may be a part of the line or
 * run over several lines.
 * @returns the finding with `verified: true` when the quote stands at `file:line`, or, with that line put right, when
 * it stands elsewhere in the file's changed hunks (the nearest place counts); else with `verified: false`
 */
export function verifyFinding(change: ChangeSet, finding: Omit<Finding, 'verified'>): Finding {
  const file = change.files.find((candidate) => candidate.path === finding.file && candidate.status !== 'deleted')
  const quote = finding.quote.trim().split('\n')
  if (file === undefined || quote[0] === '') return { ...finding, verified: false }
  if (standsAt(newLines(file), finding.line, quote)) return { ...finding, verified: true }
  const lines = hunkLines(file)
  const places = [...lines.keys()].filter((line) => standsAt(lines, line, quote))
  const line = nearest(places, finding.line)
  return line === undefined ? { ...finding, verified: false } : { ...finding, line, verified: true }
}

// A shorter piece, such as a bracket, stands in almost every line and proves nothing: it must be the whole line.
const MIN_PART_CHARS = 8

function standsAt(lines: ReadonlyMap<number, string>, line: number, quote: readonly string[]): boolean {
  return quote.every((part, index) => isQuoteOf(lines.get(line + index), part.trim()))
}

function isQuoteOf(line: string | undefined, part: string): boolean {
  return line?.trim() === part || (part.length >= MIN_PART_CHARS && line?.includes(part) === true)
}

function nearest(lines: readonly number[], wanted: number): number | undefined {
  return lines.toSorted((a, b) => Math.abs(a - wanted) - Math.abs(b - wanted))[0]
}
