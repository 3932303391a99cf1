import { readFile } from 'node:fs/promises'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { z } from 'zod'
import { dataDirectory } from '../init/data-directory.ts'
import { isAlive } from '../init/is-alive.ts'
import { startWords } from '../init/start-command.ts'
import { CliError, exitCodes } from './exit.ts'

/** What a running node writes beside its data, so that the command line finds it. */
export const runningFile = z.object({
  pid: z.number().int(),
  node_url: z.url(),
  agents_url: z.url(),
  started_ms: z.number(),
})
export type RunningFile = z.infer<typeof runningFile>

/** Talks to the local node. Every call ends within its time-out; a refusal carries the node's own words. */
export interface NodeClient {
  readonly running: RunningFile
  get<S extends z.ZodType>(api: 'node' | 'agents', path: string, shape: S, options?: CallOptions): Promise<z.output<S>>
  post<S extends z.ZodType>(path: string, body: unknown, shape: S, options?: CallOptions): Promise<z.output<S>>
  /** Resolves once the node watches for the caller; then server-sent events until the signal aborts or the stream ends. */
  events(path: string, options: { signal: AbortSignal }): Promise<AsyncIterable<EventSourceMessage>>
}

interface CallOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
  readonly headers?: Readonly<Record<string, string>>
}

const CALL_TIMEOUT_MS = 15_000
const problem = z.object({
  code: z.string(),
  title: z.string(),
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})

/** @throws {CliError} unavailable when no node runs on the data directory */
export async function connectToNode(directory: string): Promise<NodeClient> {
  const paths = dataDirectory(directory)
  const running = await readRunning(paths.running, directory)
  return createClient(running, (await readFile(paths.token, 'utf8')).trim())
}

export function createClient(running: RunningFile, token: string): NodeClient {
  const base = { node: running.node_url, agents: running.agents_url }

  async function call<S extends z.ZodType>(
    url: URL,
    init: RequestInit,
    shape: S,
    options: CallOptions = {},
  ): Promise<z.output<S>> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? CALL_TIMEOUT_MS)
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
    const headers = {
      authorization: `Bearer ${token}`,
      ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    }
    const response = await reach(url, { ...init, headers, signal })
    if (!response.ok) throw await refusal(response)
    return shape.parse(await response.json())
  }

  return {
    running,
    get: (api, path, shape, options) => call(new URL(path, base[api]), {}, shape, options),
    post: (path, body, shape, options) =>
      call(new URL(path, base.agents), { method: 'POST', body: JSON.stringify(body) }, shape, options),
    async events(path, { signal }) {
      const response = await reach(new URL(path, base.agents), {
        headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
        signal,
      })
      if (!response.ok) throw await refusal(response)
      return serverSentEvents(response.body ?? new ReadableStream())
    },
  }
}

/** The process may be gone without a word (SIGKILL): a file alone proves nothing, so its pid is asked for. */
async function readRunning(path: string, directory: string): Promise<RunningFile> {
  const notRunning = async (cause?: unknown) =>
    new CliError(
      exitCodes.unavailable,
      'NODE_NOT_RUNNING',
      `no node is running on ${directory}; ${await startWords(directory)}`,
      { cause },
    )
  let running: RunningFile
  try {
    running = runningFile.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    throw await notRunning(cause)
  }
  if (!isAlive(running.pid)) throw await notRunning()
  return running
}

async function reach(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (cause) {
    if (init.signal?.aborted === true && (init.signal.reason as Error | undefined)?.name !== 'TimeoutError') throw cause
    throw new CliError(
      exitCodes.unavailable,
      'NODE_UNREACHABLE',
      `the node at ${url.origin} does not answer: it is stuck, or gone; see its log, or start it again with "bzzz up"`,
      { cause },
    )
  }
}

async function refusal(response: Response): Promise<CliError> {
  const text = await response.text()
  const parsed = problem.safeParse(safeJson(text))
  if (!parsed.success)
    return new CliError(
      exitCodes.unavailable,
      'UNEXPECTED_ANSWER',
      `the node answered ${response.status}: ${text.slice(0, 200)}`,
    )
  const { code, title, detail, errors } = parsed.data
  const exitCode = EXIT_CODES[code] ?? exitCodeOf(response.status)
  const [wrong] = errors ?? []
  return new CliError(exitCode, code, wrong === undefined ? inCommands(detail ?? title) : wrongWords(wrong))
}

/** `querystring/about` is `about` to whoever typed it; what is wrong with all of it has no name of its own. */
function wrongWords({ path, message }: { path: string; message: string }): string {
  const name = path.split('/').slice(1).join(' ').replaceAll('_', ' ')
  return name === '' ? message : `${name}: ${message}`
}

const COMMANDS: Readonly<Record<string, string>> = {
  'GET /api/agents': '"bzzz agents"',
  'GET /api/conversations': '"bzzz threads"',
  'GET /health': '"bzzz status"',
}

/** The node says where its API tells more; here that is a command. */
function inCommands(detail: string): string {
  return detail
    .replaceAll(/GET \/api\/conversations\/([0-9a-f-]{36})(?:\/votes)?/g, '"bzzz thread show $1"')
    .replaceAll(/GET \/\w+(?:\/\w+)*(?=[\s.])/g, (route) => COMMANDS[route] ?? route)
}

const EXIT_CODES: Readonly<Record<string, number>> = {
  ROLES_MISSING: exitCodes.unavailable,
  OWNER_KEY_MISSING: exitCodes.config,
}

function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return exitCodes.noPermission
  if (status >= 500) return exitCodes.unavailable
  return status === 404 ? exitCodes.noInput : exitCodes.usage
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON: the caller shows the text
  }
}

async function* serverSentEvents(body: ReadableStream<Uint8Array>): AsyncIterable<EventSourceMessage> {
  const ready: EventSourceMessage[] = []
  const parser = createParser({ onEvent: (event) => ready.push(event) })
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* ready.splice(0)
  }
}
