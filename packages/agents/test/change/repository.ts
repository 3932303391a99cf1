import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

export type Content = string | Uint8Array | null

/** A git repository of its own for one test. */
export interface TestRepository {
  readonly folder: string
  git(...command: string[]): string
  /** Writes the files (null deletes one), commits everything, and answers the commit's hash. */
  commit(files: Readonly<Record<string, Content>>, subject?: string): string
}

export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bzzz-test-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function createRepository(): TestRepository {
  const folder = temporaryFolder()
  const git = (...command: string[]): string =>
    execFileSync('git', ['-C', folder, ...command], { encoding: 'utf8', env: environment(), stdio: 'pipe' }).trim()
  git('init', '--quiet', '--initial-branch=main')
  return {
    folder,
    git,
    commit(files, subject = 'a change') {
      for (const [path, content] of Object.entries(files)) write(join(folder, path), content)
      git('add', '--all')
      git('commit', '--quiet', '--message', subject)
      return git('rev-parse', 'HEAD')
    },
  }
}

function environment(): NodeJS.ProcessEnv {
  const person = { NAME: 'Test', EMAIL: 'test@example.invalid' }
  const names = Object.entries(person).flatMap(([key, value]) => [
    [`GIT_AUTHOR_${key}`, value],
    [`GIT_COMMITTER_${key}`, value],
  ])
  return { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: devNull, GIT_CONFIG_NOSYSTEM: '1', ...Object.fromEntries(names) }
}

function write(path: string, content: Content): void {
  mkdirSync(dirname(path), { recursive: true })
  if (content === null) rmSync(path)
  else writeFileSync(path, content)
}
