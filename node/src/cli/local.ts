import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../config/load.ts'
import { readPriceTable } from '../config/prices.ts'
import { isModelConfigured } from '../config/settings.ts'
import { dataDirectory } from '../init/data-directory.ts'
import { foundMesh } from '../init/init.ts'
import { connectToNode, createClient, type NodeClient } from './client.ts'
import { type CommandContext, configFor, type GlobalOptions } from './context.ts'
import { CliError } from './exit.ts'
import { startFailure } from './start-failure.ts'

const LOCAL_DAILY_USD = 10

/**
 * The running node if there is one; else the initialised one, or a mesh of one node, for as long as the command runs, with
 * an agent for each role. With play money that mesh is temporary.
 */
export async function withLocalNode(
  context: CommandContext,
  options: GlobalOptions,
  roles: readonly string[],
  run: (client: NodeClient) => Promise<void>,
): Promise<void> {
  const { dataDirectory: directory } = configFor(context, options)
  const running = await connectToNode(directory).catch((error: unknown) => {
    if (error instanceof CliError && error.code === 'NODE_NOT_RUNNING') return undefined
    throw error
  })
  if (running !== undefined) return run(running)
  if (await isInitialised(directory)) return runOn(directory, context, roles, run)
  if (costsMoney(context)) return runOnKept(join(directory, 'local'), context, roles, run)
  const temporary = await mkdtemp(join(tmpdir(), 'bzzz-local-'))
  try {
    await foundLocalMesh(join(temporary, 'node'), context)
    await runOn(join(temporary, 'node'), context, roles, run)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

function costsMoney({ env }: CommandContext): boolean {
  const { values } = loadConfig({ env, flags: {} })
  return values.provider === undefined ? isModelConfigured(values) : values.provider !== 'offline'
}

/** Real money needs a ledger that outlives the command: else each run would have the day's whole limit to itself. */
async function runOnKept(
  directory: string,
  context: CommandContext,
  roles: readonly string[],
  run: (client: NodeClient) => Promise<void>,
): Promise<void> {
  if (!(await isInitialised(directory))) {
    await foundLocalMesh(directory, context)
    context.terminal.err(`the ledger of local reviews is kept in ${directory}; its limits are those of this first run`)
  }
  await runOn(directory, context, roles, run)
}

async function isInitialised(directory: string): Promise<boolean> {
  return access(dataDirectory(directory).nodeKey).then(
    () => true,
    () => false, // no key: no node
  )
}

async function foundLocalMesh(directory: string, context: CommandContext): Promise<void> {
  const { values } = loadConfig({ env: context.env, flags: {}, dataDirectory: directory })
  await foundMesh({
    directory,
    network: 'local',
    members: [{ label: values.node_id, addr: '/ip4/127.0.0.1/tcp/0', role: 'node', agents: [], settings: {} }],
    dailyUsd: values.daily_limit ?? LOCAL_DAILY_USD,
    monthlyUsd: values.monthly_limit ?? LOCAL_DAILY_USD * 10,
    perAgentDailyUsd: null,
    thresholds: { warning: values.warning_threshold, critical: values.critical_threshold },
    prices: await readPriceTable(values),
    now: context.now,
    randomBytes: context.randomBytes,
  })
}

async function runOn(
  directory: string,
  context: CommandContext,
  roles: readonly string[],
  run: (client: NodeClient) => Promise<void>,
): Promise<void> {
  const flags = {
    agents: roles.join(','),
    p2p_host: '127.0.0.1',
    p2p_port: 0,
    http_host: '127.0.0.1',
    http_port: 0,
    mcp_port: 0,
    log_level: 'error',
  }
  const config = loadConfig({ env: context.env, flags, dataDirectory: directory })
  const { openNode } = await import('../compose.ts')
  const outside = { now: context.now, randomBytes: context.randomBytes, env: context.env }
  const node = await openNode(config, outside).catch(async (error) => {
    throw await startFailure(error, directory)
  })
  try {
    await run(
      createClient(
        { pid: process.pid, node_url: node.urls.node, agents_url: node.urls.agents, started_ms: context.now() },
        node.token,
      ),
    )
  } finally {
    await node.close()
  }
}
