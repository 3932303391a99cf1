import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agentsAnswer } from '@bzzz/protocols'
import {
  createClient,
  type FoundedMesh,
  foundMesh,
  loadConfig,
  type NodeClient,
  openNode,
  type RunningNode,
  readPriceTable,
} from 'bzzz'
import { vi } from 'vitest'

/** Real nodes, all in this process, each with its own databases, sockets and agents. */
export interface TestNode {
  readonly label: string
  readonly directory: string
  readonly node: RunningNode
  readonly client: NodeClient
}

export interface TestMesh {
  readonly nodes: readonly TestNode[]
  close(): Promise<void>
}

export interface TestMeshOptions {
  readonly members: readonly (readonly [label: string, ...agents: string[]])[]
  readonly dailyUsd?: number
  /** Parts of a limit at which people are told. */
  readonly thresholds?: { readonly warning: number; readonly critical: number }
  readonly flags?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  readonly pricesFile?: string
}

export async function openTestMesh(options: TestMeshOptions): Promise<TestMesh> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-nodes-'))
  const { members } = await foundTestMesh(directory, options)
  const nodes: TestNode[] = []
  const close = async () => {
    await Promise.all(nodes.map(({ node }) => node.close()))
    await rm(directory, { recursive: true, force: true })
  }
  try {
    for (const member of members) nodes.push(await startTestNode(member.label, member.directory, options))
  } catch (error) {
    await close()
    throw error
  }
  return { nodes, close }
}

/** Data directories of a mesh on loopback, ready to be started. */
export async function foundTestMesh(
  directory: string,
  options: Pick<TestMeshOptions, 'members' | 'dailyUsd' | 'thresholds' | 'pricesFile'>,
): Promise<FoundedMesh> {
  const ports = await freePorts(options.members.length)
  return await foundMesh({
    directory: join(directory, 'mesh'),
    network: 'test',
    members: options.members.map(([label, ...agents], i) => ({
      label,
      agents,
      role: 'node',
      addr: `/ip4/127.0.0.1/tcp/${ports[i]}`,
      settings: { p2p_host: '127.0.0.1', p2p_port: ports[i], http_port: 0, mcp_port: 0, log_level: 'error' },
    })),
    dailyUsd: options.dailyUsd ?? 10,
    monthlyUsd: (options.dailyUsd ?? 10) * 10,
    perAgentDailyUsd: null,
    thresholds: options.thresholds ?? { warning: 0.8, critical: 0.95 },
    prices: await readPriceTable({ prices_file: options.pricesFile, local_model: false, openai_model: '' }),
    now: Date.now,
    randomBytes,
  })
}

export async function startTestNode(
  label: string,
  directory: string,
  options: Pick<TestMeshOptions, 'flags' | 'env' | 'pricesFile'>,
): Promise<TestNode> {
  const prices = options.pricesFile === undefined ? {} : { BZZZ_PRICES_FILE: options.pricesFile }
  const config = loadConfig({
    flags: options.flags ?? {},
    env: { ...options.env, ...prices },
    dataDirectory: directory,
  })
  const node = await openNode(config, { now: Date.now, randomBytes, env: options.env ?? {} })
  const running = { pid: process.pid, node_url: node.urls.node, agents_url: node.urls.agents, started_ms: Date.now() }
  // As `bzzz up` does, so that the command line finds it.
  await writeFile(join(directory, 'running.json'), JSON.stringify(running), { mode: 0o600 })
  return { label, directory, node, client: createClient(running, node.token) }
}

/** Nodes of one test file that come and go; whoever still runs at the end is stopped. */
export interface KeptNodes {
  start(label: string, directory: string): Promise<TestNode>
  stop(...nodes: readonly TestNode[]): Promise<void>
  stopAll(): Promise<void>
}

export function keepTestNodes(options: Parameters<typeof startTestNode>[2]): KeptNodes {
  const running: TestNode[] = []

  async function stop(...nodes: readonly TestNode[]): Promise<void> {
    for (const one of nodes) running.splice(running.indexOf(one), 1)
    await Promise.all(nodes.map(({ node }) => node.close()))
  }

  return {
    async start(label, directory) {
      const node = await startTestNode(label, directory, options)
      running.push(node)
      return node
    },
    stop,
    stopAll: () => stop(...running),
  }
}

const FORM_TIMEOUT_MS = 20_000

/** Resolves once every node knows a live agent of each role that is configured anywhere. */
export async function meshFormed({ nodes }: TestMesh, roles: number): Promise<void> {
  const look = async () => {
    for (const { label, client } of nodes) {
      const { agents } = await client.get('agents', '/api/agents', agentsAnswer)
      const live = agents.filter(({ status }) => status !== 'offline')
      if (live.length < roles) throw new Error(`${label} knows ${live.length} of ${roles} agents`)
    }
  }
  await vi.waitFor(look, { timeout: FORM_TIMEOUT_MS, interval: 100 })
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
