import { type ChatCompletionRequest, LLMock } from '@copilotkit/aimock'

/** A foreign server that speaks OpenAI's chat completions and answers like a panel of three reviewers. */
export interface ModelServer {
  readonly baseUrl: string
  /** What it streamed to the end, as it would bill it. */
  readonly billed: readonly { readonly input: number; readonly output: number }[]
  /** Chat requests by the server's own journal, refused ones too, in order. */
  requests(): { status: number; stream: boolean; format: string; key: string }[]
  /** Tokens of each reply from now on. */
  bill(usage: { input: number; output: number }): void
  /** The next request is answered with status 429. */
  refuseOnce(): void
  /** Replies wait from now on. @returns `asked` resolves at the next request, `answer` lets replies go */
  hold(): { readonly asked: Promise<void>; readonly answer: () => void }
  stop(): Promise<void>
}

/** Of the change under review: the one quote stands there, the other is made up. */
export interface Quotes {
  readonly file: string
  readonly line: number
  readonly real: string
  readonly invented: string
}

/** How a reply is streamed: `latency` milliseconds before each piece of so many characters. */
interface Pace {
  readonly chunkSize: number
  readonly latency: number
}

export async function startModelServer(quotes: Quotes, pace?: Pace): Promise<ModelServer> {
  const server = new LLMock({ port: 0 })
  const billed: { input: number; output: number }[] = []
  let usage = { input: 1_000, output: 100 }
  let asked = Promise.withResolvers<void>()
  let answered = Promise.resolve()

  async function reply(request: ChatCompletionRequest) {
    asked.resolve()
    await answered
    const { input, output } = usage
    billed.push({ input, output })
    const content = JSON.stringify(replyTo(request, quotes))
    return { content, usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output } }
  }
  server.on({ endpoint: 'chat' }, reply, pace)
  await server.start()

  return {
    baseUrl: `${server.url}/v1`,
    billed,
    requests: () =>
      server.getRequests().map(({ body, headers, response }) => ({
        status: response.status,
        stream: (body as ChatCompletionRequest | null)?.stream === true,
        format: formatOf(body as ChatCompletionRequest),
        key: headers['idempotency-key'] ?? '',
      })),
    bill: (next) => {
      usage = next
    },
    refuseOnce: () => void server.nextRequestError(429, { message: 'slow down', type: 'rate_limit_error' }),
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      asked = Promise.withResolvers<void>()
      answered = promise
      return { asked: asked.promise, answer: resolve }
    },
    stop: () => server.stop(),
  }
}

function formatOf({ response_format }: ChatCompletionRequest): string {
  const schema = response_format?.json_schema as { name?: string; strict?: boolean } | undefined
  return schema?.strict === true ? (schema.name ?? '') : ''
}

function replyTo(request: ChatCompletionRequest, quotes: Quotes): object {
  const prompt = String(request.messages.at(-1)?.content)
  const role = /You take the seat "(\w+)"/.exec(prompt)?.[1] ?? ''
  switch (formatOf(request)) {
    case 'review_findings':
      return { summary: `The ${role} read the change.`, findings: claimsOf(role, quotes) }
    case 'review_discussion':
      return { content: `The ${role} agrees with what is proven.` }
    case 'review_proposal':
      return { outcome: 'changes_requested', blocking: provenRefs(prompt), content: 'One finding must be mended.' }
    case 'review_vote':
      return { choice: 'approve', blockers: [], content: 'So it is.' }
  }
  throw new Error('a request without structured output')
}

function claimsOf(role: string, { file, line, real, invented }: Quotes): object[] {
  const claim = { file, line, suggestion: null }
  if (role === 'security')
    return [{ ...claim, severity: 'critical', rule: 'code-injection', quote: real, message: 'runs what it is given' }]
  if (role === 'reviewer')
    return [{ ...claim, severity: 'high', rule: 'no-such-line', quote: invented, message: 'never written' }]
  return []
}

/** Refs of the findings that the prompt lists as verified. */
function provenRefs(prompt: string): string[] {
  return [...prompt.matchAll(/^\{"ref":"([^"]+)".*"verified":true/gm)].map(([, ref]) => ref ?? '')
}
