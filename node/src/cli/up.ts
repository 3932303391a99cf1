import { rename, rm, writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { RunningNode } from '../compose.ts'
import type { SettingName } from '../config/settings.ts'
import { dataDirectory } from '../init/data-directory.ts'
import type { RunningFile } from './client.ts'
import { type CommandContext, configFor, examples, type GlobalOptions, withGlobalOptions } from './context.ts'
import { diskFault } from './disk.ts'
import { CliError, exitCodes } from './exit.ts'
import { startFailure } from './start-failure.ts'

export function addUpCommand(program: Command, context: CommandContext): void {
  withRunOptions(withGlobalOptions(program.command('up')))
    .description('run the node until it is told to stop (Ctrl-C or SIGTERM); logs go to stderr as JSON')
    .option('--agents <roles>', 'roles of the agents that live here')
    .option('--provider <name>', 'offline or openai')
    .option('--base-url <url>', 'OpenAI-compatible endpoint, e.g. http://127.0.0.1:11434/v1')
    .option('--model <name>', 'model of the agents')
    .option('--local-model', 'the model runs on own hardware: it is priced $0')
    .addHelpText(
      'after',
      examples(
        'bzzz up',
        'bzzz up --agents security --base-url http://127.0.0.1:11434/v1 --model llama3.1',
        'bzzz up --data-dir ./lab/walnut',
      ),
    )
    .action((options: GlobalOptions & UpOptions) => runNode(context, options))
}

/** What every way of running a node takes. */
export function withRunOptions(command: Command): Command {
  return command
    .addOption(new Option('--until-stdin-closes', 'stop when whoever started the node is gone').hideHelp())
    .option('--p2p-port <port>', 'port for peers; 0 takes any free one')
    .option('--http-port <port>', 'port of the node API')
    .option('--mcp-port <port>', 'port of the agents API')
    .option('--log-level <level>', 'debug, info, warn or error')
}

/** @param check throws when this node is not to run, which closes it again */
export async function runNode(
  context: CommandContext,
  options: GlobalOptions & UpOptions,
  flags: Partial<Record<SettingName, unknown>> = {},
  check: (node: RunningNode) => void = () => undefined,
): Promise<void> {
  const config = configFor(context, options, { ...flagsOf(options), ...flags })
  const { openNode } = await import('../compose.ts')
  const node = await openNode(config, {
    now: context.now,
    randomBytes: context.randomBytes,
    env: context.env,
  }).catch(async (error) => {
    throw await startFailure(error, config.dataDirectory)
  })
  const { running: path } = dataDirectory(config.dataDirectory)
  const running: RunningFile = {
    pid: process.pid,
    node_url: node.urls.node,
    agents_url: node.urls.agents,
    started_ms: context.now(),
  }
  try {
    check(node)
    await writeWhole(path, `${JSON.stringify(running, null, 2)}\n`)
  } catch (error) {
    await node.close()
    throw diskFault(error, path) ?? error
  }
  if (options.json === true)
    context.terminal.out(JSON.stringify({ ...running, peer_id: node.peer, node_id: node.label }))
  else
    context.terminal.out(
      `${node.label} is up: ${node.urls.node} (node), ${node.urls.agents} (agents), ${node.addrs().join(', ')}; stop it with Ctrl-C`,
    )
  const told =
    options.untilStdinCloses === true ? AbortSignal.any([context.signal, ended(context.stdin)]) : context.signal
  const left = node.left.then(() => LEFT)
  const cause = await Promise.race([aborted(told), node.frozen, left])
  const closeError: unknown = await node.close().then(
    () => undefined,
    (error) => error,
  )
  await rm(path, { force: true }).catch(() => undefined) // left behind, it names a process that is gone
  if (!told.aborted && cause !== LEFT) throw stoppedByDisk(config.dataDirectory, cause)
  if (closeError !== undefined) throw closeError
}

export interface UpOptions {
  readonly agents?: string
  readonly provider?: string
  readonly baseUrl?: string
  readonly model?: string
  readonly localModel?: boolean
  readonly untilStdinCloses?: boolean
  readonly p2pPort?: string
  readonly httpPort?: string
  readonly mcpPort?: string
  readonly logLevel?: string
}

function flagsOf(options: UpOptions): Partial<Record<SettingName, unknown>> {
  return {
    agents: options.agents,
    provider: options.provider,
    openai_base_url: options.baseUrl,
    openai_model: options.model,
    local_model: options.localModel,
    p2p_port: options.p2pPort,
    http_port: options.httpPort,
    mcp_port: options.mcpPort,
    log_level: options.logLevel,
  }
}

/** Why a node stopped that was not told to by a signal. */
const LEFT = 'left'

/** Whoever reads it finds all of it or nothing. */
async function writeWhole(path: string, text: string): Promise<void> {
  try {
    await writeFile(`${path}.new`, text, { mode: 0o600 })
    await rename(`${path}.new`, path)
  } catch (error) {
    await rm(`${path}.new`, { force: true }).catch(() => undefined) // of no use, and in nobody's way
    throw error
  }
}

function stoppedByDisk(directory: string, cause: unknown): CliError {
  const message = `a write to ${directory} failed (${(cause as Error).message}) and the node stopped, since nothing it said after that would be safe; make room or mend the disk, then start it again`
  return new CliError(exitCodes.io, 'STATE_WRITE_FAILED', message, { cause })
}

/** Waiting for the end must not keep a node alive that was told to stop. */
function ended(stream: NodeJS.ReadableStream & { unref?(): void }): AbortSignal {
  const gone = new AbortController()
  stream.on('close', () => gone.abort())
  stream.resume()
  stream.unref?.()
  return gone.signal
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
