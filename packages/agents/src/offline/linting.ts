import { type ExecFileException, execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { ModelError } from '../model/model.ts'
import type { LintJob, LintReport } from './lint-job.ts'

export interface LintingOptions {
  /** Where the process runs: a folder without anything of the reviewed repository. Made when it is missing. */
  readonly temporaryDirectory: string
  readonly signal: AbortSignal
  readonly observe?: ((fact: OfflineFact) => void) | undefined
}

export type OfflineFact =
  | { readonly type: 'linters-started'; readonly pid: number; readonly sources: number }
  | {
      readonly type: 'linters-ended'
      readonly pid: number
      readonly code: number | null
      readonly signal: string | null
    }

// Enough for the linters and the largest change set; a rule that loops while it allocates ends itself there.
const MAX_MEMORY_MIB = 1024
const MAX_REPORT_BYTES = 32 * 1024 * 1024
// It runs from source in development and compiled otherwise, like this file.
const PROCESS_FILE = join(import.meta.dirname, `lint-process${extname(import.meta.filename)}`)

/**
 * Runs the linters in a process of their own that may read files and nothing else: no writing, no further processes, none
 * of our environment. An abort ends it at once; the promise settles when it is gone.
 * @throws {ModelError} ABORTED or UNAVAILABLE
 */
export async function runLinters(job: LintJob, options: LintingOptions): Promise<LintReport> {
  const { temporaryDirectory: cwd, signal, observe } = options
  await mkdir(cwd, { recursive: true })
  if (signal.aborted) throw aborted(signal)
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, processArguments(), processOptions(cwd), (error, stdout, stderr) => {
      signal.removeEventListener('abort', kill)
      observe?.({ type: 'linters-ended', pid, code: child.exitCode, signal: child.signalCode })
      if (error === null) resolve(JSON.parse(stdout) as LintReport)
      else reject(signal.aborted ? aborted(signal) : failed(error, stderr))
    })
    const pid = child.pid ?? 0
    const kill = (): void => void child.kill('SIGKILL')
    signal.addEventListener('abort', kill)
    // A process that ends before it has read its job closes the pipe; its exit says why.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(JSON.stringify(job))
    observe?.({ type: 'linters-started', pid, sources: job.sources.length })
  })
}

function processArguments(): string[] {
  return ['--permission', '--allow-fs-read=*', `--max-old-space-size=${MAX_MEMORY_MIB}`, PROCESS_FILE]
}

function processOptions(cwd: string) {
  const { SystemRoot } = process.env
  const env = SystemRoot === undefined ? {} : { SystemRoot }
  return { cwd, env, encoding: 'utf8', maxBuffer: MAX_REPORT_BYTES, killSignal: 'SIGKILL' } as const
}

function aborted(signal: AbortSignal): ModelError {
  return new ModelError('ABORTED', 'the linters were stopped', { billed: 'no', cause: signal.reason })
}

function failed(error: ExecFileException, stderr: string): ModelError {
  const how = error.signal ? `by ${error.signal}` : `with ${error.code}`
  return new ModelError('UNAVAILABLE', `the linters ended ${how}: ${stderr.trim().slice(-500)}`, {
    billed: 'no',
    cause: error,
  })
}
