import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Speaks OpenAI's chat completions, approves of everything, and keeps a reply back for as long as it is told to. */
export interface HeldModel {
  readonly baseUrl: string
  /** Idempotency keys of all requests, in order: one for each call of a ledger. */
  readonly requests: readonly string[]
  /** Replies wait from now on. @returns `asked` resolves at the next request, `answer` lets replies go */
  hold(): { readonly asked: Promise<void>; answer(): void }
  /** Characters of the words in each reply from now on. */
  say(chars: number): void
  close(): Promise<void>
}

export async function startHeldModel(): Promise<HeldModel> {
  const requests: string[] = []
  let words = 'Read.'
  let asked = Promise.withResolvers<void>()
  let released = Promise.resolve()

  const server = createServer(async (request, response) => {
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString())
    requests.push(String(request.headers['idempotency-key']))
    asked.resolve()
    await released
    stream(response, JSON.stringify(replyIn(body.response_format?.json_schema?.name, words)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      asked = Promise.withResolvers<void>()
      released = promise
      return { asked: asked.promise, answer: resolve }
    },
    say(chars) {
      words = 'x'.repeat(chars)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function replyIn(format: string, content: string): object {
  switch (format) {
    case 'review_findings':
      return { summary: content, findings: [] }
    case 'review_proposal':
      return { outcome: 'approved', blocking: [], content }
    case 'review_vote':
      return { choice: 'approve', blockers: [], content }
  }
  return { content }
}

function stream(response: ServerResponse, content: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const usage = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 }
  const chunks = [
    { choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage },
  ]
  for (const chunk of chunks)
    response.write(`data: ${JSON.stringify({ id: 'reply', object: 'chat.completion.chunk', ...chunk })}\n\n`)
  response.end('data: [DONE]\n\n')
}
