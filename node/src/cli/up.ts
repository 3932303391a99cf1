import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { StateError } from '@bzzz/store'
import { type Command, Option } from 'commander'
import type { SettingName } from '../config/settings.ts'
import { dataDirectory } from '../init/data-directory.ts'
import { isAlive, type RunningFile, runningFile } from './client.ts'
import { type CommandContext, configFor, examples, type GlobalOptions, withGlobalOptions } from './context.ts'
import { CliError, exitCodes } from './exit.ts'

export function addUpCommand(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('up'))
    .description('run the node until it is told to stop (Ctrl-C or SIGTERM); logs go to stderr as JSON')
    .option('--agents <roles>', 'roles of the agents that live here')
    .option('--provider <name>', 'offline or openai')
    .option('--base-url <url>', 'OpenAI-compatible endpoint, e.g. http://127.0.0.1:11434/v1')
    .option('--model <name>', 'model of the agents')
    .option('--local-model', 'the model runs on own hardware: it is priced $0')
    .addOption(new Option('--until-stdin-closes', 'stop when whoever started the node is gone').hideHelp())
    .option('--p2p-port <port>', 'port for peers; 0 takes any free one')
    .option('--http-port <port>', 'port of the node API')
    .option('--mcp-port <port>', 'port of the agents API')
    .option('--log-level <level>', 'debug, info, warn or error')
    .addHelpText(
      'after',
      examples(
        'bzzz up',
        'bzzz up --agents security --base-url http://127.0.0.1:11434/v1 --model llama3.1',
        'bzzz up --data-dir ./lab/walnut',
      ),
    )
    .action(async (options: GlobalOptions & UpOptions) => {
      const config = configFor(context, options, flagsOf(options))
      const { openNode } = await import('../compose.ts')
      const node = await openNode(config, {
        now: context.now,
        randomBytes: context.randomBytes,
        env: context.env,
      }).catch(async (error) => {
        throw (await otherProcess(error, config.dataDirectory)) ?? error
      })
      const running: RunningFile = {
        pid: process.pid,
        node_url: node.urls.node,
        agents_url: node.urls.agents,
        started_ms: context.now(),
      }
      const { running: path } = dataDirectory(config.dataDirectory)
      await writeWhole(path, `${JSON.stringify(running, null, 2)}\n`).catch(async (error) => {
        await node.close()
        throw error
      })
      if (options.json === true)
        context.terminal.out(JSON.stringify({ ...running, peer_id: node.peer, node_id: node.label }))
      else
        context.terminal.out(
          `${node.label} is up: ${node.urls.node} (node), ${node.urls.agents} (agents), ${node.addrs().join(', ')}; stop it with Ctrl-C`,
        )
      const told =
        options.untilStdinCloses === true ? AbortSignal.any([context.signal, ended(context.stdin)]) : context.signal
      const cause = await Promise.race([aborted(told), node.frozen])
      const closeError: unknown = await node.close().then(
        () => undefined,
        (error) => error,
      )
      await rm(path, { force: true })
      if (!told.aborted) throw stoppedByDisk(config.dataDirectory, cause)
      if (closeError !== undefined) throw closeError
    })
}

interface UpOptions {
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

/** Whoever reads it finds all of it or nothing. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

function stoppedByDisk(directory: string, cause: unknown): CliError {
  const message = `a write to ${directory} failed (${(cause as Error).message}) and the node stopped, since nothing it said after that would be safe; make room or mend the disk, then start it again`
  return new CliError(exitCodes.io, 'STATE_WRITE_FAILED', message, { cause })
}

/** The lock on the data directory tells that another process holds it; what that process wrote beside it tells which. */
async function otherProcess(error: unknown, directory: string): Promise<CliError | undefined> {
  if (!(error instanceof StateError) || error.code !== 'STATE_IN_USE') return undefined
  const text = await readFile(dataDirectory(directory).running, 'utf8').catch(() => '{}') // not written yet: then it has no name
  const other = runningFile.safeParse(JSON.parse(text))
  const name =
    other.success && isAlive(other.data.pid) ? `process ${other.data.pid} (${other.data.node_url})` : 'another process'
  return new CliError(
    exitCodes.unavailable,
    'DIRECTORY_IN_USE',
    `${directory} is in use by ${name}; stop it first, or name another --data-dir`,
    { cause: error },
  )
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
