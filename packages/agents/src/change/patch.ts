import { type ChangedFile, type ChangeSet, changeSet } from '@bzzz/protocols'
import parseDiff from 'parse-diff'
import { ChangeError } from './change-error.ts'
import { fitChangeSet } from './encoding.ts'
import { type Hunk, hunksOf, isComplete } from './hunks.ts'
import { isLockfile } from './lockfiles.ts'

/**
 * Reads a unified diff (`git diff`, one `git format-patch`, `diff -u`). Of a changed file only the hunks are known; an
 * added one is there as a whole.
 * @throws {ChangeError} BAD_PATCH, EMPTY_CHANGE or TOO_LARGE
 */
export function readPatch(text: string, options: { repository: string }): ChangeSet {
  if (text.trim() === '') throw new ChangeError('EMPTY_CHANGE', 'the patch is empty: nothing to review')
  // Without its last newline: what stands behind that would be taken for an empty line of the last hunk.
  const lines = text.replaceAll('\r\n', '\n').replace(/\n$/, '')
  for (const part of lines.split(/^(?=diff --git )/m).filter((each) => each.startsWith('diff --git '))) refuseCut(part)
  const files = parseDiff(lines).filter(namesFile).map(readFile)
  if (files.length === 0) throw badPatch('no changed file found in it')
  return checked({
    v: 1,
    repository: options.repository,
    base: 'patch',
    head: 'patch',
    title: titleOf(text),
    files,
    lockfiles: files.filter((file) => file.status !== 'deleted' && isLockfile(file.path)).map((file) => file.path),
  })
}

function badPatch(reason: string): ChangeError {
  return new ChangeError('BAD_PATCH', `the patch cannot be read: ${reason}; give a unified diff, as git diff writes it`)
}

const HUNK_HEADER = /^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@/

/**
 * What ends in the middle of a header would be read as a file without changes.
 * @param part of a git diff, about one file
 */
function refuseCut(part: string): void {
  const lines = part.trimEnd().split('\n')
  const [name = ''] = lines
  const cut = lines.find((line) => line.startsWith('@@') && !HUNK_HEADER.test(line))
  if (cut !== undefined) throw badPatch(`"${cut.slice(0, 80)}" is no whole header of a hunk; was it cut off?`)
  const [, before = '', after = ''] = /^index ([0-9a-f]+)\.\.([0-9a-f]+)/m.exec(part) ?? []
  const isEmpty = [before, after].some((blob) => blob.startsWith(EMPTY_BLOB))
  const isWithoutLines = after === '' && /^(?:new mode|rename to|copy to) /m.test(part)
  if (!isEmpty && !isWithoutLines && !/^(?:@@ |Binary files |GIT binary patch)/m.test(part))
    throw badPatch(`nothing follows "${name.slice(0, 200)}"; was it cut off?`)
}

function checked(change: ChangeSet): ChangeSet {
  const fitting = fitChangeSet(change)
  const twice = repeatedPath(fitting)
  if (twice !== undefined) throw badPatch(`${twice} stands in it twice (several patches in one file?)`)
  const parsed = changeSet.safeParse(fitting)
  if (parsed.success) return fitting
  const issue = parsed.error.issues[0]
  throw badPatch(`${issue?.path.join('.')}: ${issue?.message}`)
}

function repeatedPath({ files }: ChangeSet): string | undefined {
  const paths = files.map((file) => file.path)
  return paths.find((path, index) => paths.indexOf(path) !== index)
}

/** The first subject of a mail, else just what it is. */
function titleOf(text: string): string {
  const letter = text.split(/^diff /m, 1)[0] ?? ''
  const subject = /^Subject: (.+)$/m.exec(letter)?.[1]?.replace(/^\[[^\]]*\]/, '')
  return subject?.trim().slice(0, 500) || 'patch'
}

const NO_FILE = '/dev/null'

/** Lines of a commit message that look like headers of a diff name no file. */
function namesFile(file: parseDiff.File): boolean {
  return (
    file.from !== undefined &&
    file.to !== undefined &&
    (file.chunks.length > 0 || file.index !== undefined || file.from !== file.to)
  )
}

function readFile(file: parseDiff.File): ChangedFile {
  const [from, to] = [unquoted(file.from ?? NO_FILE), unquoted(file.to ?? NO_FILE)]
  const path = to === NO_FILE ? from : to
  const broken = file.chunks.find((chunk) => !isComplete(chunk))
  if (broken !== undefined) throw badPatch(`lines are missing from ${path} after "${broken.content}"`)
  const status = statusOf(from, to)
  const named = { path, status, ...(status === 'renamed' ? { oldPath: from } : {}) }
  if (isLockfile(path)) return { ...named, hunks: [], omitted: 'generated' }
  if (isBinary(file)) return { ...named, hunks: [], omitted: 'binary' }
  const hunks = hunksOf(file)
  return { ...named, hunks, ...(status === 'added' ? { text: wholeText(hunks) } : {}) }
}

function statusOf(from: string, to: string): ChangedFile['status'] {
  if (from === NO_FILE) return 'added'
  if (to === NO_FILE) return 'deleted'
  return from === to ? 'modified' : 'renamed'
}

// Start of the hash of the empty blob, which differs from another one without having lines.
const EMPTY_BLOB = 'e69de29'

/** Contents that differ, and yet no hunks. */
function isBinary(file: parseDiff.File): boolean {
  const [blobs] = file.index ?? []
  return file.chunks.length === 0 && blobs !== undefined && !blobs.includes(EMPTY_BLOB)
}

function wholeText(hunks: readonly Hunk[]): string {
  return hunks.flatMap((hunk) => hunk.lines.map((line) => `${line.text}\n`)).join('')
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '"': '"', '\\': '\\' }

/** Undoes git's quoting of unusual paths, where bytes stand as octal numbers. */
function unquoted(path: string): string {
  const bytes = Buffer.from(path, 'utf8').toString('latin1')
  const plain = bytes.replace(/\\(?:([0-7]{3})|(.))/g, (whole, octal?: string, letter?: string) =>
    octal === undefined ? (ESCAPES[letter ?? ''] ?? whole) : String.fromCharCode(Number.parseInt(octal, 8)),
  )
  return Buffer.from(plain, 'latin1').toString('utf8')
}
