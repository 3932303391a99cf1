import { Readable } from 'node:stream'
import { runCommand } from '../../src/cli/program.ts'

export interface Ended {
  readonly code: number
  readonly out: string
  /** Lines on stderr. */
  readonly err: readonly string[]
}

/** Runs a command line in this process, on a terminal without colours. */
export async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const out: string[] = []
  const err: string[] = []
  const code = await runCommand(args, {
    env,
    terminal: {
      color: false,
      closed: false,
      width: 120,
      out: (text) => void out.push(text),
      err: (text) => void err.push(...text.split('\n')),
    },
    signal: new AbortController().signal,
    now: Date.now,
    randomBytes: (length) => new Uint8Array(length).fill(1),
    stdin: Readable.from([]),
    cwd: '/',
  })
  return { code, out: out.join('\n'), err }
}
