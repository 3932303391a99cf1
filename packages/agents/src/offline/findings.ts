import type { ChangedFile, Severity } from '@bzzz/protocols'
import { addedLines, newLines } from '../change/lines.ts'
import type { FindingsReply } from '../review/replies.ts'
import type { FindingsTask } from '../review/task.ts'
import type { Claim } from './claim.ts'
import { summarize } from './coverage.ts'
import { findUnlockedDependencies } from './dependencies.ts'
import type { LintJob, LintReport } from './lint-job.ts'
import { IMPLIED_BY, looksAtStructure } from './selections.ts'
import { type Source, sourcesOf } from './sources.ts'

/** What the rules of a role find on the added lines of the step's files, the gravest first. */
export async function findFaults(
  task: FindingsTask,
  lint: (job: LintJob) => Promise<LintReport>,
): Promise<FindingsReply> {
  const wanted = new Set(task.files)
  const files = task.change.files.filter((file) => wanted.has(file.path))
  const readable = files.filter((file) => file.status !== 'deleted' && file.omitted === undefined)
  const sources = readable.flatMap(sourcesOf)
  const report = await lint({
    role: task.role,
    sources: sources.map(({ path, text, fragment }) => ({ path, text, fragment })),
  })
  const structural = looksAtStructure(task.role) ? findUnlockedDependencies(task.change, readable) : []
  const claims = onAddedLines([...claimsOf(report, sources), ...structural], readable)
  const findings = quoted(gravestFirst(withoutRepeats(claims)), readable)
  return { summary: summarize({ role: task.role, files, sources, report, found: findings.length }), findings }
}

function claimsOf(report: LintReport, sources: readonly Source[]): Claim[] {
  return report.reports.flatMap(({ source, line, rule, severity, message }) => {
    const text = sources[source]
    const place = text?.lineInFile(line)
    return text === undefined || place === undefined ? [] : [{ file: text.path, line: place, rule, severity, message }]
  })
}

function onAddedLines(claims: readonly Claim[], files: readonly ChangedFile[]): Claim[] {
  const added = new Map(files.map((file) => [file.path, addedLines(file)]))
  return claims.filter(({ file, line }) => added.get(file)?.has(line))
}

/** One claim for each rule and line, and none that another one on its line implies. */
function withoutRepeats(claims: readonly Claim[]): Claim[] {
  const byLine = Map.groupBy(claims, ({ file, line }) => `${file}\0${line}`)
  return [...byLine.values()].flatMap((all) => {
    const distinct = new Map(all.map((claim) => [claim.rule, claim]))
    const rules = [...distinct.keys()]
    return [...distinct.values()].filter(({ rule }) => {
      const implying = IMPLIED_BY[rule]
      return implying === undefined || !rules.some((other) => other.startsWith(implying))
    })
  })
}

const BY_WEIGHT: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info']

function gravestFirst(claims: readonly Claim[]): Claim[] {
  const weight = ({ severity }: Claim): number => BY_WEIGHT.indexOf(severity)
  return claims.toSorted((a, b) => weight(a) - weight(b) || compare(a.file, b.file) || a.line - b.line)
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

// A longer line is generated or minified; the start of it is evidence enough.
const MAX_QUOTE_CHARS = 500

/** Gives each claim the text of its line as evidence. */
function quoted(claims: readonly Claim[], files: readonly ChangedFile[]): FindingsReply['findings'] {
  const lines = new Map(files.map((file) => [file.path, newLines(file)]))
  return claims.map((claim) => ({ ...claim, quote: startOf(lines.get(claim.file)?.get(claim.line) ?? '') }))
}

/** Never half of a surrogate pair: it would not survive UTF-8, and the evidence would not stand in the file. */
function startOf(line: string): string {
  const start = line.trimEnd().slice(0, MAX_QUOTE_CHARS)
  return start.replace(/[\ud800-\udbff]$/, '')
}
