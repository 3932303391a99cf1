import type { ChangedFile } from '@bzzz/protocols'
import parseDiff from 'parse-diff'
import { type GitOptions, runGit } from './git.ts'
import { type Hunk, hunksOf } from './hunks.ts'
import type { Revisions } from './revisions.ts'

/** One changed path between two trees. */
export interface TreeChange {
  readonly status: ChangedFile['status']
  readonly path: string
  readonly oldPath: string | undefined
  readonly oldMode: string
  readonly newMode: string
  /** Hashes of the blobs; all zeros where there is none. */
  readonly oldBlob: string
  readonly newBlob: string
}

const BETWEEN_TREES = ['diff-tree', '-r', '-M', '--no-relative']
const PLAIN_DIFF = ['--no-ext-diff', '--no-textconv', '--no-color', '--full-index', '-U3', '--inter-hunk-context=0']

/** What changed between the trees, renames detected. */
export async function listChanges({ base, head }: Revisions, git: GitOptions): Promise<TreeChange[]> {
  const output = await runGit([...BETWEEN_TREES, '--raw', '--no-abbrev', '-z', base, head], git)
  const fields = output.toString('utf8').split('\0')
  const changes: TreeChange[] = []
  while (fields.length > 1) changes.push(readRecord(fields))
  return changes
}

const STATUS: Readonly<Record<string, ChangedFile['status']>> = { A: 'added', D: 'deleted', R: 'renamed' }

/** Takes `:mode mode blob blob status`, path and, for a rename, the new path from the front. */
function readRecord(fields: string[]): TreeChange {
  const [oldMode = '', newMode = '', oldBlob = '', newBlob = '', letter = ''] = (fields.shift() ?? '')
    .slice(1)
    .split(' ')
  const status = STATUS[letter.charAt(0)] ?? 'modified'
  const first = fields.shift() ?? ''
  const [oldPath, path] = status === 'renamed' ? [first, fields.shift() ?? ''] : [undefined, first]
  return { status, path, oldPath, oldMode, newMode, oldBlob, newBlob }
}

/** Hunks by the pair of blobs that they lie between: unlike a path in a diff, it is never quoted or ambiguous. */
export type HunksByBlobs = ReadonlyMap<string, readonly Hunk[]>

export async function readHunks({ base, head }: Revisions, git: GitOptions): Promise<HunksByBlobs> {
  const output = await runGit([...BETWEEN_TREES, '-p', ...PLAIN_DIFF, base, head], git)
  return new Map(parseDiff(output.toString('utf8')).map((file) => [file.index?.[0] ?? '', hunksOf(file)]))
}

/** @returns a {@link HunksByBlobs} key; a side that is no regular file counts as absent */
export function blobPair(change: TreeChange): string {
  return `${sideBlob(change.oldMode, change.oldBlob)}..${sideBlob(change.newMode, change.newBlob)}`
}

function sideBlob(mode: string, blob: string): string {
  return isRegular(mode) ? blob : blob.replace(/./g, '0')
}

export function isRegular(mode: string): boolean {
  return mode.startsWith('100')
}

export function isSubmodule(mode: string): boolean {
  return mode === '160000'
}

/**
 * Hunks of one file that git took for binary though it is text: the repository's attributes may say so, and would hide
 * it from the review.
 * @param text what a reader sees: the new text, or the deleted one
 */
export async function readHiddenHunks(change: TreeChange, text: string, git: GitOptions): Promise<Hunk[]> {
  const [old = '', now = ''] = blobPair(change).split('..')
  if (isAbsent(old)) return [wholeFile(text, 'added')]
  if (isAbsent(now)) return [wholeFile(text, 'deleted')]
  const output = await runGit(['diff', '--text', ...PLAIN_DIFF, old, now], git)
  return parseDiff(output.toString('utf8')).flatMap(hunksOf)
}

function isAbsent(blob: string): boolean {
  return /^0+$/.test(blob)
}

function wholeFile(text: string, kind: 'added' | 'deleted'): Hunk {
  const lines = text.replace(/\n$/, '').split('\n')
  return { lines: lines.map((line, index) => ({ kind, line: index + 1, text: line })) }
}
