import { ConfigError } from '../config/errors.ts'
import { CliError, exitCodes } from './exit.ts'

interface Reason {
  readonly codes: readonly string[]
  /** As the system's words stand in a message of LevelDB, which hands on no code. */
  readonly text: RegExp
  readonly what: string
  readonly advice: string
  readonly exitCode: number
}

const REASONS: readonly Reason[] = [
  {
    codes: ['ENOSPC', 'EDQUOT'],
    text: /no space left|quota exceeded/i,
    what: 'the disk is full',
    advice: 'make room on it',
    exitCode: exitCodes.io,
  },
  {
    codes: ['EROFS'],
    text: /read-only file system/i,
    what: 'the disk is mounted read-only',
    advice: 'mount it writable, or name another --data-dir',
    exitCode: exitCodes.io,
  },
  {
    codes: ['EACCES', 'EPERM'],
    text: /permission denied|operation not permitted/i,
    what: 'this user has no permission',
    advice: 'give the folder to this user, or name another --data-dir',
    exitCode: exitCodes.noPermission,
  },
  {
    codes: ['EIO'],
    text: /input\/output error/i,
    what: 'the disk fails',
    advice: 'look at the disk and its log',
    exitCode: exitCodes.io,
  },
]

/**
 * A disk that refuses, found anywhere among the causes of an error: what, where, and what to do about it.
 * @param path to be named when the error names none
 */
export function diskFault(error: unknown, path: string): CliError | undefined {
  if (error instanceof CliError || error instanceof ConfigError) return undefined // it says itself what to do
  for (const cause of causesOf(error)) {
    if ((cause as NodeJS.ErrnoException).syscall === 'listen') continue
    const [, file, text] = /^IO error: (.+): ([^:]+)$/.exec(cause.message) ?? []
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    const reason = REASONS.find(({ codes, text: words }) => codes.includes(code) || words.test(text ?? ''))
    if (reason === undefined) continue
    const where = file ?? (cause as NodeJS.ErrnoException).path ?? path
    const message = `cannot use ${where}: ${reason.what}; ${reason.advice}, then run this again`
    return new CliError(reason.exitCode, reason.codes[0] ?? 'EIO', message, { cause: error })
  }
  return undefined
}

// Nobody wraps deeper; and what names itself as its cause would never end.
const MAX_CAUSES = 10

function causesOf(error: unknown): Error[] {
  const causes: Error[] = []
  for (let cause = error; cause instanceof Error && causes.length < MAX_CAUSES; cause = cause.cause) causes.push(cause)
  return causes
}
