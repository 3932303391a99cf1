import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeHealth } from '@bzzz/protocols'
import { REPETITIONS } from '../interleaved.ts'
import { type Pair, type Row, rowOf } from '../rows.ts'

const run = promisify(execFile)
const launcher = fileURLToPath(new URL('../../../node/bin/bzzz.mjs', import.meta.url))
const bare = fileURLToPath(new URL('./bare.ts', import.meta.url))
const IDLE_MS = 5_000

interface Started {
  /** From the start of the process until it is of use. */
  readonly startMs: number
  /** Resident set after some idle seconds. */
  readonly memoryMiB: number
}

/** `bzzz up` until it answers that it is healthy, against libp2p alone until it listens. Both with a warm compile cache. */
export async function nodeSuite(progress: (line: string) => void): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-bench-'))
  const data = join(directory, 'data')
  const ports = ['--http-port', '0', '--mcp-port', '0', '--p2p-port', '0']
  const ours = () => start(launcher, ['up', '--json', '--data-dir', data, ...ports], {}, healthy)
  const floor = () =>
    start(process.execPath, [bare, join(directory, 'bare')], { NODE_COMPILE_CACHE: join(directory, 'cache') })
  try {
    await run(launcher, ['init', '--data-dir', data])
    progress('node: warming up')
    for (const one of [ours, floor]) await one()
    const starts: Pair[] = []
    const memory: Pair[] = []
    for (let i = 0; i < REPETITIONS; i++) {
      progress(`node: start and idle memory, ${i + 1} of ${REPETITIONS}`)
      const [first, second] = [await ours(), await floor()]
      starts.push({ value: first.startMs, floor: second.startMs })
      memory.push({ value: first.memoryMiB, floor: second.memoryMiB })
    }
    return [rowOf('node.start_to_healthy', 'ms', '<=2', starts), rowOf('node.idle_rss', 'MiB', '<=1.5', memory)]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function start(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  ready: (line: string) => Promise<void> = async () => {},
): Promise<Started> {
  const begun = performance.now()
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const first = await lines.next()
    if (first.done === true) throw new Error(`${program} did not start`)
    await ready(first.value)
    const startMs = performance.now() - begun
    await delay(IDLE_MS)
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(child.pid)])
    return { startMs, memoryMiB: Number(stdout) / 1_024 }
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

async function healthy(line: string): Promise<void> {
  const { node_url } = JSON.parse(line) as { node_url: string }
  const [response] = (await once(get(new URL('/health', node_url)), 'response')) as [IncomingMessage]
  const { status } = nodeHealth.parse(await json(response))
  if (status !== 'ok') throw new Error(`the node is ${status}`)
}
