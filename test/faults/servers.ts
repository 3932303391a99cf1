import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ChatCompletionRequest, LLMock } from '@copilotkit/aimock'

/** Model servers that fail in the way that the seat's role is named after. */
export interface FaultyServer {
  readonly baseUrl: string
  /** That came for a role, refused ones too, in order. */
  requests(role: string): readonly Request[]
  stop(): Promise<void>
}

interface Request {
  readonly atMs: number
  readonly key: string
}

/** What a server bills for each request that it works on, whatever comes of it. */
export const BILLED = { input: 300, output: 50 }
export const GREEDY = { input: 300, output: 60_000 }
export const BUSY_S = 2

const usageOf = ({ input, output }: typeof BILLED) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
})

/** Faults that a foreign test server knows. */
export async function startForeignServer(): Promise<FaultyServer> {
  const server = new LLMock({ port: 0 })
  const of = (role: string) => ({
    endpoint: 'chat' as const,
    predicate: (body: ChatCompletionRequest) => roleOf(body) === role,
  })
  const refusal = (status: number, message: string, more = {}) => ({ error: { message }, status, ...more })
  const usage = usageOf(BILLED)
  server.on({ ...of('busy'), sequenceIndex: 0 }, refusal(429, 'slow down', { retryAfter: BUSY_S }))
  server.on(of('busy'), (body) => ({ content: replyTo(body), usage }))
  server.on(of('full'), refusal(429, 'slow down', { retryAfter: 3_600 }))
  server.on(of('broken'), refusal(500, 'the model crashed'))
  server.on(of('locked'), refusal(401, 'Incorrect API key provided: sk-of-a-test'))
  server.on(of('unknown'), refusal(404, 'no such model'))
  server.on(of('filtered'), { content: '{', finishReason: 'content_filter', usage })
  server.on(of('garbled'), { content: 'I am not JSON.', usage })
  server.on(of('cut'), { content: '{"summary":"never finished"}', usage }, { chunkSize: 4, truncateAfterChunks: 3 })
  await server.start()
  return {
    baseUrl: `${server.url}/v1`,
    requests: (role) =>
      server
        .getRequests()
        .filter(({ body }) => roleOf(body as ChatCompletionRequest) === role)
        .map(({ timestamp, headers }) => ({ atMs: timestamp, key: headers['idempotency-key'] ?? '' })),
    stop: () => server.stop(),
  }
}

type Behave = (response: ServerResponse, body: ChatCompletionRequest) => void

/** Faults below the level of HTTP, and those of servers that keep to no rule. */
const WILD: Readonly<Record<string, Behave>> = {
  keyless: (response) => refuse(response, 401, { message: 'a key, please' }),
  spent: (response) => refuse(response, 429, { message: 'no credit', code: 'insufficient_quota' }),
  dropped: (response) => void response.socket?.destroy(),
  severed: (response) => {
    begin(response, token('{"summary":'))
    setImmediate(() => response.socket?.destroy())
  },
  polite: (response) => void begin(response, token('{"summary":')).end('data: [DONE]\n\n'),
  refusing: (response) => {
    const refusal = { choices: [{ index: 0, delta: { refusal: 'I would rather not' }, finish_reason: null }] }
    end(begin(response, refusal), usageOf(BILLED))
  },
  unsaid: (response, body) => end(begin(response, token(replyTo(body))), null),
  greedy: (response, body) => end(begin(response, token(replyTo(body))), usageOf(GREEDY)),
  stalled: (response) => void begin(response, token('{')),
  slow: (response) => {
    const timer = setInterval(() => response.write(event(token(' '))), 100)
    response.on('close', () => clearInterval(timer))
    begin(response, token('{'))
  },
}

export async function startWildServer(): Promise<FaultyServer> {
  const received: (Request & { role: string })[] = []
  const server = createServer(async (request, response) => {
    const atMs = performance.now()
    const body = JSON.parse((await request.toArray()).join('')) as ChatCompletionRequest
    const role = roleOf(body)
    received.push({ role, atMs, key: String(request.headers['idempotency-key']) })
    WILD[role]?.(response, body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests: (role) => received.filter((request) => request.role === role),
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function refuse(response: ServerResponse, status: number, error: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
}

function begin(response: ServerResponse, chunk: object): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event(chunk))
  return response
}

function end(response: ServerResponse, usage: object | null): void {
  response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }))
  if (usage !== null) response.write(event({ choices: [], usage }))
  response.end('data: [DONE]\n\n')
}

const event = (chunk: object) => `data: ${JSON.stringify(chunk)}\n\n`
const token = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })

function roleOf({ messages }: ChatCompletionRequest): string {
  return /You take the seat "([\w-]+)"/.exec(String(messages.at(-1)?.content))?.[1] ?? ''
}

/** Nothing is found, so there is nothing to discuss, and the change is approved. */
function replyTo({ response_format }: ChatCompletionRequest): string {
  const schema = response_format?.json_schema as { name: string } | undefined
  switch (schema?.name) {
    case 'review_findings':
      return JSON.stringify({ summary: 'Nothing is wrong.', findings: [] })
    case 'review_proposal':
      return JSON.stringify({ outcome: 'approved', blocking: [], content: 'Let it in.' })
    default:
      return JSON.stringify({ choice: 'approve', blockers: [], content: 'So it is.' })
  }
}
