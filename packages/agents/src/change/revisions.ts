import { ChangeError } from './change-error.ts'
import { type GitOptions, runGit } from './git.ts'

/** The two trees that a change lies between. */
export interface Revisions {
  /** Hash of a commit; of the empty tree where a first commit is reviewed. */
  readonly base: string
  readonly head: string
}

/**
 * Reads `A..B` (from A to B), `A...B` (what B did since it left A) or a single commit (what it did to its first
 * parent). A side left out is HEAD.
 * @throws {ChangeError} NO_SUCH_REVISION
 */
export async function resolveRange(range: string, git: GitOptions): Promise<Revisions> {
  const dots = range.includes('...') ? '...' : '..'
  const [left, right] = range.split(dots)
  if (right === undefined) return singleCommit(range, git)
  const [from, head] = await Promise.all([commit(left || 'HEAD', git), commit(right || 'HEAD', git)])
  return { base: dots === '...' ? await mergeBase(from, head, range, git) : from, head }
}

async function singleCommit(revision: string, git: GitOptions): Promise<Revisions> {
  const head = await commit(revision, git)
  const parent = await lookUp(`${head}^1`, git)
  return { base: parent ?? (await emptyTree(git)), head }
}

async function commit(revision: string, git: GitOptions): Promise<string> {
  const found = await lookUp(revision, git)
  if (found !== undefined) return found
  throw new ChangeError(
    'NO_SUCH_REVISION',
    `"${revision}" names no commit in ${git.repository}: check the name, or fetch it first`,
  )
}

/** @returns the commit's full hash, undefined when git knows none by that name */
async function lookUp(revision: string, git: GitOptions): Promise<string | undefined> {
  // It would be taken for an option; no revision starts so.
  if (revision.startsWith('-')) return undefined
  try {
    return line(await runGit(['rev-parse', '--verify', '--quiet', `${revision}^{commit}`], git))
  } catch (error) {
    if (error instanceof ChangeError && error.code === 'GIT_FAILED') return undefined
    throw error
  }
}

async function mergeBase(from: string, head: string, range: string, git: GitOptions): Promise<string> {
  try {
    return line(await runGit(['merge-base', from, head], git))
  } catch (error) {
    if (!(error instanceof ChangeError) || error.code !== 'GIT_FAILED') throw error
    throw new ChangeError('NO_SUCH_REVISION', `the sides of ${range} have no commit in common: use A..B`, {
      cause: error,
    })
  }
}

/** In this repository's hash format. It need not be stored to be compared with. */
async function emptyTree(git: GitOptions): Promise<string> {
  return line(await runGit(['hash-object', '-t', 'tree', '--stdin'], git))
}

/** Subject of the last commit, and how many more there are. */
export async function titleOf({ base, head }: Revisions, git: GitOptions): Promise<string> {
  const subject = line(await runGit(['rev-list', '--max-count=1', '--no-commit-header', '--format=%s', head], git))
  const count = Number(line(await runGit(['rev-list', '--count', head, `^${base}`], git)))
  return `${subject.slice(0, 400)}${count > 1 ? ` (and ${count - 1} before it)` : ''}`
}

function line(output: Buffer): string {
  return output.toString('utf8').trim()
}
