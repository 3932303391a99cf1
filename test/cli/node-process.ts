import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../../node/bin/bzzz.mjs', import.meta.url))

/** A command that runs until it is told to stop, in a process group of its own, as a terminal gives each job. */
export interface Job {
  /** Next line on stdout that passes; rejects when the job ends before. */
  line(passes?: (line: string) => boolean): Promise<string>
  /** To the process that was started alone, as a service manager or `kill` does. */
  signal(signal: NodeJS.Signals): void
  /** To every process of the job at once, as a terminal does. */
  ctrlC(): void
  /** To every process of the job, and without a chance to react. */
  kill(): void
  /** So far. */
  stderr(): string
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>
}

interface JobOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** A command that runs another one in its own place, such as `nsenter`, with its arguments. */
  readonly through?: readonly string[]
}

export function startJob(args: readonly string[], { cwd, env: more, through = [] }: JobOptions = {}): Job {
  const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', TMPDIR: process.env.TMPDIR ?? '/tmp', ...more }
  const [command = '', ...rest] = [...through, process.execPath, launcher, ...args]
  const child = spawn(command, rest, { ...(cwd !== undefined && { cwd }), env, detached: true })
  let stderr = ''
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stderr }))
  return {
    async line(passes = () => true) {
      for (;;) {
        const { value, done } = await lines.next()
        if (done === true) throw new Error(`the job ended without such a line: ${stderr}`)
        if (passes(value)) return value
      }
    },
    signal: (signal) => void child.kill(signal),
    ctrlC: () => toGroup(child, 'SIGINT'),
    stderr: () => stderr,
    kill: () => toGroup(child, 'SIGKILL'),
    ended,
  }
}

function toGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal)
}
