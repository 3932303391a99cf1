import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createClient, type NodeClient } from 'bzzz'
import type { Arm, Closed, Point } from './point-names.ts'

/** A node in a process of its own, which may be gone at any moment. */
export interface NodeToKill {
  readonly label: string
  readonly directory: string
  /** Of the process that runs, or of the last one. */
  readonly client: NodeClient
  /** It ended, of itself or not, and was not started again. */
  readonly isGone: boolean
  /** On the same data directory; resolves once it is up. */
  start(): Promise<void>
  /** It will die at the `nth` pass by a point from now on. */
  arm(point: Point, nth: number): Promise<void>
  kill(): Promise<void>
  terminate(): Promise<Ended>
  /** The last of what the process wrote to stderr. */
  lastWords(): string
}

export interface Ended {
  readonly code: number | null
  /** Rooms in the order in which they closed. */
  readonly closed: readonly string[]
  readonly stderr: string
}

const START_TIMEOUT_MS = 30_000
const MAX_LAST_WORDS = 2_000
const main = fileURLToPath(new URL('../../node/src/main.ts', import.meta.url))
/** Of the test's own environment a node gets no more than these. */
const SURROUNDINGS = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
}
const points = new URL('./points.ts', import.meta.url).href

export function nodeToKill(label: string, directory: string, env: Readonly<Record<string, string>>): NodeToKill {
  let running: Running | undefined
  const latest = (): Running => {
    if (running === undefined) throw new Error(`${label} was never started`)
    return running
  }
  return {
    label,
    directory,
    get client() {
      return latest().client
    },
    get isGone() {
      return hasEnded(latest().child)
    },
    async start() {
      running = await run(directory, env)
    },
    async arm(point, nth) {
      const { child } = latest()
      const armed = once(child, 'message')
      child.send({ arm: point, nth } satisfies Arm)
      await armed
    },
    async kill() {
      latest().child.kill('SIGKILL')
      await latest().ended
    },
    async terminate() {
      latest().child.kill('SIGTERM')
      return await latest().ended
    },
    lastWords: () => running?.lastWords() ?? '',
  }
}

interface Running {
  readonly child: ChildProcess
  readonly client: NodeClient
  readonly ended: Promise<Ended>
  readonly lastWords: () => string
}

async function run(directory: string, env: Readonly<Record<string, string>>): Promise<Running> {
  const child = spawn(
    process.execPath,
    // Its end of standard input closes with the test's process, however that ends: then the node stops too.
    [
      '--conditions=bzzz-src',
      '--import',
      points,
      main,
      'up',
      '--json',
      '--until-stdin-closes',
      '--data-dir',
      directory,
    ],
    { stdio: ['pipe', 'pipe', 'pipe', 'ipc'], env: { ...SURROUNDINGS, ...env } },
  )
  let stderr = ''
  child.stderr?.on('data', (chunk) => (stderr = `${stderr}${chunk}`.slice(-MAX_LAST_WORDS)))
  const closed: string[] = []
  child.on('message', (message) => {
    if (typeof message === 'object') closed.push((message as Closed).closed)
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, closed, stderr }))
  const line = await Promise.race([firstLine(child), ended])
  if (typeof line !== 'string') throw new Error(`a node did not start (${line.code}): ${stderr}`)
  const token = (await readFile(join(directory, 'token'), 'utf8')).trim()
  return { child, client: createClient(JSON.parse(line), token), ended, lastWords: () => stderr }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('its output is not readable')
  const lines = createInterface({ input: child.stdout })
  try {
    const [line] = await once(lines, 'line', { signal: AbortSignal.timeout(START_TIMEOUT_MS) })
    return String(line)
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}
