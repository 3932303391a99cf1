import { createHash } from 'node:crypto'
import type { ChangeSet } from '@bzzz/protocols'
import { changedFileText } from './change-text.ts'
import { bySeverity } from './severity.ts'
import { findingRef, type ReviewTask, recheckedFindings, type SeatFindings } from './task.ts'

/** What was said in the review so far, beside the findings. */
export interface Remark {
  readonly kind: 'message' | 'vote'
  readonly role: string
  readonly round: number
  readonly content: string
}

/** How much of its material a prompt shows. What is left out is said in it. */
export interface Detail {
  readonly change: 'lines' | 'names' | 'nothing'
  readonly findings: number
  /** The last ones are shown. */
  readonly remarks: number
}
export const FULL_DETAIL: Detail = {
  change: 'lines',
  findings: Number.POSITIVE_INFINITY,
  remarks: Number.POSITIVE_INFINITY,
}

/** The question of a task in words, with everything that others wrote fenced off as data. */
export function promptFor(task: ReviewTask, remarks: readonly Remark[] = [], detail = FULL_DETAIL): string {
  if (task.phase === 'findings') return [introduction(task), changeText(task, 'lines'), asking(task)].join('\n\n')
  return [
    introduction(task),
    changeText({ change: task.change, files: task.change.files.map(({ path }) => path) }, detail.change),
    findingsText(recheckedFindings(task.change, task.findings), detail.findings),
    remarksText(remarks, detail.remarks),
    asking(task),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** Of the question for findings on a whole change, without the words of the role: every seat's first calls show so much. */
export function readingBytes(change: ChangeSet): number {
  const files = change.files.map(({ path }) => path)
  return Buffer.byteLength(promptFor({ phase: 'findings', role: '', change, files }))
}

/** Details to try, richest first, until a prompt fits its model. */
export function* lesserDetails(findings: number, remarks: number): Generator<Detail> {
  yield FULL_DETAIL
  yield { change: 'names', findings, remarks }
  let detail: Detail = { change: 'nothing', findings, remarks }
  yield detail
  while (detail.findings > 0 || detail.remarks > 0) {
    detail = { ...detail, findings: Math.floor(detail.findings / 2), remarks: Math.floor(detail.remarks / 2) }
    yield detail
  }
}

function introduction({ role, change }: ReviewTask): string {
  const files = change.files.length === 1 ? '1 file' : `${change.files.length} files`
  const about = JSON.stringify({ repository: change.repository, title: change.title })
  return `You take the seat "${role}" in the review of one change (${files}):\n${fenced(about)}`
}

function changeText(
  { change, files }: { change: ChangeSet; files: readonly string[] },
  show: Detail['change'],
): string {
  if (show === 'nothing') return 'The change and the list of its files are too large to be shown again here.'
  if (show === 'names') {
    const names = change.files.map(({ path, status }) => JSON.stringify({ path, status })).join('\n')
    return `The change is too large to be shown again here. Its files:\n${fenced(names)}`
  }
  const shown = change.files.filter(({ path }) => files.includes(path))
  const legend = 'Each line with its number in the new file; + is new, - is deleted, the rest is unchanged context.'
  return `The change. ${legend}\n${fenced(shown.map(changedFileText).join('\n\n'))}`
}

function findingsText(seats: readonly SeatFindings[], show: number): string {
  const all = seats
    .flatMap(({ role, entry, findings }) =>
      findings.map((finding, index) => ({ ref: findingRef(entry, index), role, ...finding })),
    )
    .sort(bySeverity)
  if (all.length === 0) return 'No seat has reported a finding.'
  const shown = all.slice(0, show)
  const rest = all.length > shown.length ? ` ${all.length - shown.length} less severe ones did not fit here.` : ''
  const lines = shown.map((finding) => JSON.stringify(finding)).join('\n')
  return `Findings of all seats, each with its ref; "verified" says whether a tool found the quote.${rest}\n${fenced(lines)}`
}

function remarksText(remarks: readonly Remark[], show: number): string {
  if (remarks.length === 0) return ''
  const shown = show > 0 ? remarks.slice(-show) : []
  const rest = remarks.length > shown.length ? ` ${remarks.length - shown.length} older ones did not fit here.` : ''
  return `What was said so far.${rest}\n${fenced(shown.map((remark) => JSON.stringify(remark)).join('\n'))}`
}

function asking(task: ReviewTask): string {
  switch (task.phase) {
    case 'findings':
      return 'Report your findings on the files shown, the most severe first, at most 20. "summary": one or two sentences on what the change does and how sound it is.'
    case 'discussion':
      return `Round ${task.round}, discussion. In "content", at most 200 words: which findings hold and which do not, each by its ref and with the lines that decide it; what must be mended before this change goes in. Do not repeat what is agreed.`
    case 'proposal':
      return `Round ${task.round}: you propose the outcome. "changes_requested" when at least one finding must be mended before this change goes in, with the refs of exactly those in "blocking"; "approved" otherwise, with "blocking" empty. Only verified findings may block.${openBlockersText(task.openBlockers)} "content": the reasons, at most 150 words.`
    case 'vote':
      return `Round ${task.round}: vote on this proposal.\n${fenced(JSON.stringify(task.proposal))}\n"approve" when its outcome is right and its blocking findings are the right ones, with "blockers" empty; "reject" when not, with the refs of the findings that it wrongly leaves out or includes in "blockers"; "abstain" only when you cannot judge. "content": the reason, at most 100 words.`
  }
}

function openBlockersText(refs: readonly string[]): string {
  return refs.length === 0 ? '' : ` Votes of earlier rounds stood on ${refs.join(', ')}: settle these.`
}

/** No text can hold the hash of itself, so no text can end its own fence. */
function fenced(text: string): string {
  const mark = createHash('sha256').update(text).digest('hex').slice(0, 16)
  return `<data ${mark}>\n${text}\n</data ${mark}>`
}
