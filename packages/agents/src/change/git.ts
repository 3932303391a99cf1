import { type ExecFileException, execFile } from 'node:child_process'
import { devNull } from 'node:os'
import { MAX_FILE_TEXT_BYTES } from '@bzzz/protocols'
import { ChangeError } from './change-error.ts'

export interface GitOptions {
  /** Any folder of the repository. */
  readonly repository: string
  readonly signal: AbortSignal
  /** What git reads from its standard input; empty when absent. */
  readonly input?: string
}

// Bounds the memory that one answer of git may take; a change that needs more is far beyond what a change set holds.
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/**
 * Settings that keep git from running anything the repository names (fsmonitor, hooks, fetching missing objects) and
 * from printing what a diff reader does not expect. Since nothing of it runs, whose folder it is does not matter.
 */
const SETTINGS = {
  'core.fsmonitor': 'false',
  'core.hooksPath': devNull,
  'core.quotePath': 'false',
  'core.bigFileThreshold': String(MAX_FILE_TEXT_BYTES),
  'diff.suppressBlankEmpty': 'false',
  'i18n.logOutputEncoding': 'UTF-8',
  'safe.directory': '*',
}
const SETTING_ARGUMENTS = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/**
 * Runs git on a repository that is not trusted: no shell, no pager, no prompt, no network, no configuration but the
 * repository's own, and of that nothing that runs a program.
 * @returns its standard output
 * @throws {ChangeError} GIT_MISSING, NOT_A_REPOSITORY, TOO_LARGE or GIT_FAILED; the signal's reason after an abort
 */
export function runGit(command: readonly string[], options: GitOptions): Promise<Buffer> {
  const { repository, signal } = options
  const settings = { encoding: 'buffer', env: environment(), maxBuffer: MAX_OUTPUT_BYTES, signal } as const
  return new Promise((resolve, reject) => {
    const child = execFile(
      'git',
      ['--no-pager', ...SETTING_ARGUMENTS, '-C', repository, ...command],
      { ...settings, killSignal: 'SIGKILL' },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else reject(signal.aborted ? signal.reason : gitFailure(error, command, repository, stderr.toString()))
      },
    )
    // A git that ends before it has read its input closes the pipe; its exit code says why.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}

/** Nothing of our own environment but what a program needs to start: GIT_DIR, GIT_EXTERNAL_DIFF and the like stay out. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot } = process.env
  return {
    ...(PATH === undefined ? {} : { PATH }),
    ...(SystemRoot === undefined ? {} : { SystemRoot }),
    LC_ALL: 'C',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
  }
}

function gitFailure(error: ExecFileException, command: readonly string[], repository: string, stderr: string): Error {
  if (error.code === 'ENOENT')
    return new ChangeError('GIT_MISSING', 'git was not found on PATH: install git, or review a patch file instead', {
      cause: error,
    })
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
    return new ChangeError('TOO_LARGE', `the change in ${repository} is too large to read: review a smaller range`)
  if (/not a git repository|cannot change to/.test(stderr))
    return new ChangeError('NOT_A_REPOSITORY', `${repository} is no git repository: name one with --repo`)
  const said = stderr.trim().slice(-500) || error.message
  return new ChangeError('GIT_FAILED', `git ${command[0]} failed in ${repository}: ${said}`, { cause: error })
}
