import { basename, resolve } from 'node:path'
import type { ChangeSet } from '@bzzz/protocols'
import { ChangeError } from './change-error.ts'
import { fitChangeSet } from './encoding.ts'
import { type GitOptions, runGit } from './git.ts'
import { isLockfile } from './lockfiles.ts'
import { readFiles } from './range-files.ts'
import { resolveRange, titleOf } from './revisions.ts'
import { listChanges } from './tree-diff.ts'

export interface RangeOptions {
  /** Any folder of the repository. */
  readonly repository: string
  /** `A..B`, `A...B` or a single commit. */
  readonly range: string
  readonly signal: AbortSignal
}

/**
 * Reads a change out of git's objects. The working tree does not matter, nothing is fetched, and nothing that the
 * repository brings along is run.
 * @throws {ChangeError} and the signal's reason after an abort
 */
export async function readRange(options: RangeOptions): Promise<ChangeSet> {
  const git: GitOptions = { repository: resolve(options.repository), signal: options.signal }
  const folder = (await runGit(['rev-parse', '--absolute-git-dir'], git)).toString('utf8').trim()
  const revisions = await resolveRange(options.range, git)
  const changes = await listChanges(revisions, git)
  if (changes.length === 0)
    throw new ChangeError('EMPTY_CHANGE', `${options.range} changes nothing in ${git.repository}: name another range`)
  return fitChangeSet({
    v: 1,
    repository: repositoryName(folder),
    ...revisions,
    title: await titleOf(revisions, git),
    files: await readFiles(changes, revisions, git),
    lockfiles: await listLockfiles(revisions.head, git),
  })
}

/** Name of the folder that holds `.git`, or of a bare repository without its ending. */
function repositoryName(gitFolder: string): string {
  const folder = basename(gitFolder) === '.git' ? resolve(gitFolder, '..') : gitFolder
  return basename(folder, '.git').slice(0, 255) || 'repository'
}

const MAX_LOCKFILES = 100

async function listLockfiles(head: string, git: GitOptions): Promise<string[]> {
  const output = await runGit(['ls-tree', '-r', '-z', '--name-only', '--full-tree', head], git)
  return output.toString('utf8').split('\0').filter(isLockfile).slice(0, MAX_LOCKFILES)
}
