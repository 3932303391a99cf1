import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An OpenAI-like server on loopback that does exactly what a test says. */
export interface FaultServer {
  readonly url: string
  /** Bodies of the requests, in order. */
  readonly bodies: Record<string, unknown>[]
  readonly headers: IncomingMessage['headers'][]
  close(): Promise<void>
}

export type Behave = (body: Record<string, unknown>, response: ServerResponse, request: IncomingMessage) => void

export async function faultServer(behave: Behave): Promise<FaultServer> {
  const bodies: Record<string, unknown>[] = []
  const headers: IncomingMessage['headers'][] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    const body = JSON.parse(text) as Record<string, unknown>
    bodies.push(body)
    headers.push(request.headers)
    behave(body, response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/v1`,
    bodies,
    headers,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export function refuse(
  response: ServerResponse,
  status: number,
  error: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ error }))
}

/** A stream of chunks; `end` false leaves it open. */
export function stream(response: ServerResponse, chunks: readonly (object | string)[], { end = true } = {}): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'req-7' })
  for (const chunk of chunks) response.write(`data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`)
  if (end) response.end('data: [DONE]\n\n')
}

export const token = (content: string) => ({
  id: 'c',
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
})
export const finish = (reason = 'stop') => ({ id: 'c', choices: [{ index: 0, delta: {}, finish_reason: reason }] })
export const usage = (usage: object) => ({ id: 'c', choices: [], usage })
export const USAGE = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 40 },
  completion_tokens_details: { reasoning_tokens: 5 },
}
