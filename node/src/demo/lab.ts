import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connectToNode, type NodeClient } from '../cli/client.ts'
import { readPriceTable } from '../config/prices.ts'
import { foundMesh } from '../init/init.ts'

/** Three nodes as three processes on loopback, in a folder that is gone afterwards. */
export interface Lab {
  readonly directory: string
  readonly nodes: readonly LabNode[]
  /** SIGTERM to all, SIGKILL to who does not end in time, then the folder is removed. Idempotent. */
  close(): Promise<void>
}

export interface LabNode {
  readonly label: string
  readonly role: string
  readonly peer: string
  readonly directory: string
  readonly client: NodeClient
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>
  /** Starts it again on the same data directory. */
  restart(): Promise<void>
}

export interface LabOptions {
  readonly network: string
  /** Label and the role of the one agent there. */
  readonly members: readonly (readonly [label: string, role: string])[]
  readonly dailyUsd: number
  /** Further arguments of `bzzz up`, e.g. the endpoint of a model. */
  readonly upArguments: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pricing: Parameters<typeof readPriceTable>[0]
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly signal: AbortSignal
}

const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 10_000

export async function openLab(options: LabOptions): Promise<Lab> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-demo-'))
  const nodes: RunningNode[] = []
  const close = closeOnce(directory, nodes)
  try {
    const ports = await freePorts(options.members.length)
    const founded = await foundMesh({
      directory: join(directory, 'mesh'),
      network: options.network,
      members: options.members.map(([label, role], index) => ({
        label,
        role: 'node',
        addr: `/ip4/127.0.0.1/tcp/${ports[index]}`,
        agents: [role],
        settings: { p2p_host: '127.0.0.1', p2p_port: ports[index], http_port: 0, mcp_port: 0 },
      })),
      dailyUsd: options.dailyUsd,
      monthlyUsd: options.dailyUsd * 10,
      perAgentDailyUsd: null,
      thresholds: { warning: 0.8, critical: 0.95 },
      prices: await readPriceTable(options.pricing),
      now: options.now,
      randomBytes: options.randomBytes,
    })
    for (const member of founded.members) {
      const start = () => startNode(member.directory, options)
      nodes.push(
        new RunningNode(
          { label: member.label, role: member.agents[0] ?? '', peer: member.peer, directory: member.directory },
          start,
        ),
      )
    }
    await Promise.all(nodes.map((node) => node.restart()))
    return { directory, nodes, close }
  } catch (error) {
    await close()
    throw error
  }
}

function closeOnce(directory: string, nodes: readonly RunningNode[]): () => Promise<void> {
  let closing: Promise<void> | undefined
  const close = async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await rm(directory, { recursive: true, force: true })
  }
  return () => (closing ??= close())
}

interface Started {
  readonly process: ChildProcess
  readonly client: NodeClient
}

class RunningNode implements LabNode {
  readonly label: string
  readonly role: string
  readonly peer: string
  readonly directory: string
  readonly #start: () => Promise<Started>
  #started: Started | undefined

  constructor(of: { label: string; role: string; peer: string; directory: string }, start: () => Promise<Started>) {
    this.label = of.label
    this.role = of.role
    this.peer = of.peer
    this.directory = of.directory
    this.#start = start
  }

  get client(): NodeClient {
    if (this.#started === undefined) throw new Error(`${this.label} is not running`)
    return this.#started.client
  }

  async restart(): Promise<void> {
    this.#started = await this.#start()
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    const gone = this.#end('SIGTERM')
    const late = setTimeout(() => void this.#end('SIGKILL'), STOP_TIMEOUT_MS)
    await gone
    clearTimeout(late)
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#started?.process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
}

/** Runs this very program; resolves once the node says that it is up. */
async function startNode(directory: string, options: LabOptions): Promise<Started> {
  const launcher = fileURLToPath(new URL('../../bin/bzzz.mjs', import.meta.url))
  const child = spawn(
    process.execPath,
    [launcher, 'up', '--json', '--until-stdin-closes', '--data-dir', directory, ...options.upArguments],
    {
      // Its end of standard input closes with this process, however that ends: then the node stops too.
      stdio: ['pipe', 'pipe', 'pipe'],
      env: options.env as NodeJS.ProcessEnv,
    },
  )
  const log = join(directory, 'log.jsonl')
  child.stderr.pipe(createWriteStream(log, { flags: 'a', mode: 0o600 }))
  try {
    await saidThatItIsUp(child, AbortSignal.any([options.signal, AbortSignal.timeout(START_TIMEOUT_MS)]))
    return { process: child, client: await connectToNode(directory) }
  } catch (cause) {
    child.kill('SIGKILL')
    const tail = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-3).join('\n') // no log: it said nothing
    throw new Error(`a node did not start: ${(cause as Error).message}${tail === '' ? '' : `\n${tail}`}`, { cause })
  }
}

async function saidThatItIsUp(child: ChildProcess, signal: AbortSignal): Promise<void> {
  if (child.stdout === null) throw new Error('its output is not readable')
  const lines = createInterface({ input: child.stdout })
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`it ended with code ${code}`)
  })
  await Promise.race([once(lines, 'line', { signal }), ended])
  ended.catch(() => {}) // it ends later on, which is no longer this wait's business
}

/** Ports that were free a moment ago; peers need fixed ones, so that a restarted node is found where it was. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
