import type { CallId } from '@bzzz/protocols'
import { LLMock } from '@copilotkit/aimock'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ModelError, type ModelProvider, type ModelRequest } from '../../src/model/model.ts'
import { createOpenAiProvider, type OpenAiOptions } from '../../src/openai/provider.ts'
import { replySchema } from '../../src/review/replies.ts'
import { Clock, until } from '../fakes/clock.ts'
import { changeOf } from '../fakes/model.ts'
import { type Behave, type FaultServer, faultServer, finish, refuse, stream, token, USAGE, usage } from './server.ts'

const REPLY = '{"summary":"fine","findings":[]}'
const clock = new Clock(1_000_000)
const calm = new AbortController().signal

function ask(prompt = 'hello', over: Partial<ModelRequest> = {}): ModelRequest {
  return {
    callId: 'c'.repeat(64) as CallId,
    model: 'gpt-4o-mini',
    system: 'be exact',
    prompt,
    schema: replySchema('findings'),
    maxOutputTokens: 500,
    temperature: 0.2,
    task: { phase: 'findings', role: 'reviewer', change: changeOf(), files: [] },
    ...over,
  }
}

function providerAt(baseUrl: string, more: Partial<OpenAiOptions> = {}): ModelProvider {
  const { now, sleep } = clock
  const readKey = () => 'sk-test-0123456789'
  return createOpenAiProvider({ baseUrl, readKey, window: () => 8_192, idleTimeoutMs: 20_000, now, sleep, ...more })
}

async function failureOf(call: Promise<unknown>): Promise<ModelError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ModelError) return error
  throw new Error(`expected a ModelError, not ${error}`)
}

describe('against a foreign test server', () => {
  const mock = new LLMock({ port: 0 })
  beforeAll(async () => {
    mock.onMessage('hello', { content: REPLY })
    mock.onMessage('fail', { error: { message: 'slow down', type: 'rate_limit_error' }, status: 429 })
    await mock.start()
  })
  afterAll(() => mock.stop())
  const provider = () => providerAt(`${mock.url}/v1`)

  it('streams a reply and brings its usage', async () => {
    const tokens: string[] = []
    const completion = await provider().complete(ask(), { signal: calm, onToken: (text) => tokens.push(text) })
    expect(completion.reply).toBe(REPLY)
    expect(tokens.join('')).toBe(REPLY)
    expect(completion.usage).toMatchObject({ input: expect.any(Number), output: expect.any(Number) })
  })

  it('asks for strict structured output, a bounded reply and usage in the stream', async () => {
    await provider().complete(ask(), { signal: calm })
    const body = mock.getRequests().at(-1)?.body
    expect(body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 500,
      temperature: 0.2,
      response_format: { type: 'json_schema', json_schema: { name: 'review_findings', strict: true } },
    })
  })

  it('reports a full house as RATE_LIMITED, with one request', async () => {
    const before = mock.getRequests().length
    const error = await failureOf(provider().complete(ask('fail'), { signal: calm }))
    expect(error).toMatchObject({ code: 'RATE_LIMITED', billed: 'no', retryable: true })
    expect(mock.getRequests().length - before).toBe(1)
  })

  it('reports what the server does not know as NOT_FOUND, which no retry mends', async () => {
    const error = await failureOf(provider().complete(ask('no such fixture'), { signal: calm }))
    expect(error).toMatchObject({ code: 'NOT_FOUND', billed: 'no', retryable: false })
  })
})

describe('against a server with faults', () => {
  let server: FaultServer | undefined
  afterEach(() => server?.close())

  async function facing(behave: Behave, more?: Partial<OpenAiOptions>): Promise<ModelProvider> {
    server = await faultServer(behave)
    return providerAt(server.url, more)
  }
  const failing = async (behave: Behave) => failureOf((await facing(behave)).complete(ask(), { signal: calm }))

  it('maps cached and reasoning tokens, and keeps the request id', async () => {
    const provider = await facing((_, response) => stream(response, [token(REPLY), finish(), usage(USAGE)]))
    expect(await provider.complete(ask(), { signal: calm })).toEqual({
      reply: REPLY,
      usage: { input: 100, cachedInput: 40, cacheWrite: 60, output: 20, reasoning: 5, cost: null },
      unclear: null,
      providerRequestId: 'req-7',
    })
  })

  it('says that usage is missing rather than calling it zero', async () => {
    const silent = await facing((_, response) => stream(response, [token(REPLY), finish()]))
    expect((await silent.complete(ask(), { signal: calm })).usage).toBeNull()
    await server?.close()
    const zero = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
    const lying = await facing((_, response) => stream(response, [token(REPLY), finish(), usage(zero)]))
    expect((await lying.complete(ask(), { signal: calm })).usage).toBeNull()
  })

  it.each([
    [
      'has no token of a reply that has some',
      usage({ prompt_tokens: 100, completion_tokens: 0, total_tokens: 100 }),
      /no token of a reply/,
    ],
    ['contradicts itself', usage({ ...USAGE, total_tokens: 119 }), /total_tokens is 119/],
    ['is for a dearer service', { ...usage(USAGE), service_tier: 'priority' }, /service tier "priority"/],
  ])('says that usage is unclear when it %s', async (_, last, words) => {
    const provider = await facing((_, response) => stream(response, [token(REPLY), finish(), last]))
    expect(await provider.complete(ask(), { signal: calm })).toMatchObject({
      reply: REPLY,
      usage: null,
      unclear: expect.stringMatching(words),
    })
  })

  it('believes no unclear usage of a failure either', async () => {
    const unclear = usage({ ...USAGE, total_tokens: 119 })
    const error = await failing((_, response) => stream(response, [token('{'), finish('length'), unclear]))
    expect(error).toMatchObject({
      ...{ code: 'BAD_REPLY', billed: 'unknown', usage: null },
      unclear: expect.stringContaining('total_tokens is 119'),
    })
  })

  it('gives up a stream that stalls after its first token', async () => {
    const provider = await facing((_, response) => stream(response, [token('{')], { end: false }))
    let heard = ''
    const failure = failureOf(provider.complete(ask(), { signal: calm, onToken: (text) => (heard += text) }))
    await until(() => heard === '{')
    await clock.advance(20_000)
    expect(await failure).toMatchObject({ code: 'STALLED', billed: 'unknown', retryable: true })
    expect(clock.sleeping).toBe(0)
  })

  it('gives up a server that never answers', async () => {
    let asked = false
    const failure = failing(() => {
      asked = true
    })
    await until(() => asked)
    await clock.advance(20_000)
    expect(await failure).toMatchObject({ code: 'STALLED', billed: 'unknown' })
  })

  it('reports a stream that is cut off', async () => {
    const error = await failing((_, response) => {
      stream(response, [token('{')], { end: false })
      setImmediate(() => response.socket?.destroy())
    })
    expect(error).toMatchObject({ code: 'CUT_OFF', billed: 'unknown', retryable: true })
  })

  it('reports a stream that ends politely, but before the reply does', async () => {
    const error = await failing((_, response) => stream(response, [token('{"summary":')]))
    expect(error).toMatchObject({ code: 'CUT_OFF', billed: 'unknown' })
  })

  it('reports a reply that ran into its limit, with what it cost, as nothing a retry mends', async () => {
    const error = await failing((_, response) => stream(response, [token('{'), finish('length'), usage(USAGE)]))
    expect(error).toMatchObject({ code: 'BAD_REPLY', retryable: false, usage: { output: 20 } })
  })

  it('reports a refusal with what it cost', async () => {
    const refusal = { id: 'c', choices: [{ index: 0, delta: { refusal: 'I cannot' }, finish_reason: null }] }
    const error = await failing((_, response) => stream(response, [refusal, finish(), usage(USAGE)]))
    expect(error).toMatchObject({ code: 'REFUSED', retryable: false, usage: { input: 100 } })
  })

  describe('that says as it goes what was used', () => {
    const soFar = { ...token('{'), usage: { prompt_tokens: 100, completion_tokens: 1, total_tokens: 101 } }

    it('believes no number of a reply that was given up', async () => {
      const provider = await facing((_, response) => stream(response, [soFar], { end: false }))
      const caller = new AbortController()
      const failure = failureOf(provider.complete(ask(), { signal: caller.signal, onToken: () => caller.abort() }))
      expect(await failure).toMatchObject({ code: 'ABORTED', usage: null })
    })

    it('believes no number of a reply that stalled', async () => {
      const provider = await facing((_, response) => stream(response, [soFar], { end: false }))
      let heard = ''
      const failure = failureOf(provider.complete(ask(), { signal: calm, onToken: (text) => (heard += text) }))
      await until(() => heard === '{')
      await clock.advance(20_000)
      expect(await failure).toMatchObject({ code: 'STALLED', usage: null })
    })

    it('believes no number of a reply that was cut off', async () => {
      expect(await failing((_, response) => stream(response, [soFar]))).toMatchObject({ code: 'CUT_OFF', usage: null })
    })

    it('believes the number that comes with the end, or after it', async () => {
      const ended = { ...finish(), usage: USAGE }
      const provider = await facing((_, response) => stream(response, [soFar, ended]))
      expect((await provider.complete(ask(), { signal: calm })).usage).toMatchObject({ input: 100, output: 20 })
      await server?.close()
      const silent = await facing((_, response) => stream(response, [soFar, finish()]))
      expect((await silent.complete(ask(), { signal: calm })).usage).toBeNull()
    })
  })

  it.each([
    ['Sun, 22 Nov 2026 12:00:00 GMT', [Date.parse('2026-11-22T12:00:00Z')]],
    ['yesterday', []],
    [`Sun, 22 Nov 2026 12:00:00 GMT${' '.repeat(100)}(noon)`, []],
  ])('passes on the time of a server that says %s, whether it answers or refuses', async (date, times) => {
    const heard: number[] = []
    const onServerTime = (wallMs: number) => void heard.push(wallMs)
    const answering = await facing(
      (_, response) => {
        response.setHeader('date', date)
        stream(response, [token(REPLY), finish()])
      },
      { onServerTime },
    )
    await answering.complete(ask(), { signal: calm })
    await server?.close()
    const refusing = await facing((_, response) => refuse(response, 503, { message: 'full' }, { date }), {
      onServerTime,
    })
    await failureOf(refusing.complete(ask(), { signal: calm }))
    expect(heard).toEqual([...times, ...times])
  })

  it('reports chunks that are not JSON', async () => {
    const error = await failing((_, response) => stream(response, ['{broken']))
    expect(error).toMatchObject({ code: 'BAD_REPLY', billed: 'unknown' })
  })

  it('reports an error in the middle of the stream', async () => {
    const error = await failing((_, response) => stream(response, [token('{'), { error: { message: 'overloaded' } }]))
    expect(error).toMatchObject({ code: 'UNAVAILABLE', billed: 'unknown' })
  })

  it.each([
    [500, 'UNAVAILABLE', 'unknown', true],
    [503, 'UNAVAILABLE', 'no', true],
    [401, 'AUTH', 'no', false],
    [403, 'AUTH', 'no', false],
    [404, 'NOT_FOUND', 'no', false],
    [408, 'TIMEOUT', 'unknown', true],
    [400, 'INVALID_REQUEST', 'no', false],
  ])('reports status %i as %s, billed %s, with one request', async (status, code, billed, retryable) => {
    const error = await failing((_, response) => refuse(response, status, { message: 'so it is' }))
    expect(error).toMatchObject({ code, billed, retryable })
    expect(server?.bodies).toHaveLength(1)
  })

  it('reports a server that is not there as certainly not billed', async () => {
    const provider = await facing(() => undefined)
    await server?.close()
    expect(await failureOf(provider.complete(ask(), { signal: calm }))).toMatchObject({
      code: 'UNAVAILABLE',
      billed: 'no',
    })
  })

  it('reports a port that may not be connected to, and a server without encryption, as certainly not billed', async () => {
    const forbidden = await failureOf(providerAt('http://127.0.0.1:6000/v1').complete(ask(), { signal: calm }))
    expect(forbidden).toMatchObject({ code: 'UNAVAILABLE', billed: 'no' })
    expect(forbidden.message).toMatch(/^http:\/\/127\.0\.0\.1:6000\/v1 cannot be reached \(bad port\): /)
    await facing(() => undefined)
    const url = server?.url.replace('http:', 'https:') ?? ''
    const plain = await failureOf(providerAt(url).complete(ask(), { signal: calm }))
    expect(plain).toMatchObject({ code: 'UNAVAILABLE', billed: 'no' })
    expect(plain.message).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/v1 cannot be reached \(/)
  })

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after-ms': '250', 'retry-after': '7' }, 250],
    [{ 'retry-after': new Date(1_000_000 + 60_000 + 40_000).toUTCString() }, expect.any(Number)],
    [{ 'retry-after': 'soon' }, null],
  ])('reads %o', async (headers, retryAfterMs) => {
    const error = await failing((_, response) => refuse(response, 429, { message: 'slow down' }, headers as never))
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs, retryable: true })
  })

  it('does not wait for an account without credit', async () => {
    const error = await failing((_, response) =>
      refuse(response, 429, { message: 'no credit', code: 'insufficient_quota' }),
    )
    expect(error).toMatchObject({ code: 'RATE_LIMITED', retryable: false })
  })

  it('ends with ABORTED when the caller gives up in the middle of the stream', async () => {
    const provider = await facing((_, response) => stream(response, [token('{')], { end: false }))
    const caller = new AbortController()
    const failure = failureOf(provider.complete(ask(), { signal: caller.signal, onToken: () => caller.abort() }))
    expect(await failure).toMatchObject({ code: 'ABORTED', billed: 'unknown', retryable: false })
    expect(clock.sleeping).toBe(0)
  })

  it('reads the key for each request, and never repeats it in a message', async () => {
    const keys = ['sk-first-000000', 'the second key']
    const provider = await facing(
      (_, response, request) => refuse(response, 401, { message: `bad key ${request.headers.authorization}` }),
      { readKey: () => keys.shift() ?? '' },
    )
    const first = await failureOf(provider.complete(ask(), { signal: calm }))
    const second = await failureOf(provider.complete(ask(), { signal: calm }))
    expect(server?.headers.map(({ authorization }) => authorization)).toEqual([
      'Bearer sk-first-000000',
      'Bearer the second key',
    ])
    expect(`${first.message} ${second.message}`).not.toMatch(/sk-first|second key/)
    expect(first.cause).toBeUndefined()
  })

  it('sends the call id by the names under which providers keep it', async () => {
    const provider = await facing((_, response) => stream(response, [token(REPLY), finish()]))
    await provider.complete(ask(), { signal: calm })
    const id = 'c'.repeat(64)
    expect(server?.headers[0]).toMatchObject({ 'idempotency-key': id, 'x-client-request-id': id })
  })

  it.each<[string, Parameters<typeof facing>[0]]>([
    ['is cut off', (_, response) => stream(response, [token('{')])],
    ['fails', (_, response) => refuse(response, 500, { message: 'broken' }, { 'x-request-id': 'req-7' })],
  ])('tells how the provider named a request that %s', async (_, behave) => {
    const provider = await facing(behave)
    const names: string[] = []
    const onNamed = (name: string) => names.push(name)
    await expect(provider.complete(ask(), { signal: calm, onNamed })).rejects.toMatchObject({ billed: 'unknown' })
    expect(names).toEqual(['req-7'])
  })

  it('learns from refusals of its form, each an attempt of its own, and remembers', async () => {
    const refusals: [RegExp, string][] = [
      [/"json_schema"/, "'response_format' of type 'json_schema' is not supported"],
      [/"temperature"/, "Unsupported value: 'temperature' does not support 0.2 with this model."],
      [/"max_tokens"/, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."],
      [/"stream_options"/, 'unknown field stream_options'],
      [/"json_object"/, 'response_format is not supported'],
    ]
    const provider = await facing((body, response) => {
      const refusal = refusals.find(([form]) => form.test(JSON.stringify({ ...body, messages: [] })))
      if (refusal === undefined) stream(response, [token(REPLY), finish()])
      else refuse(response, 400, { message: refusal[1] })
    })
    for (const _ of refusals) {
      const error = await failureOf(provider.complete(ask(), { signal: calm }))
      expect(error).toMatchObject({ code: 'INVALID_REQUEST', billed: 'no', retryable: true, retryAfterMs: 0 })
    }
    expect((await provider.complete(ask(), { signal: calm })).reply).toBe(REPLY)
    await provider.complete(ask(), { signal: calm })
    expect(server?.bodies).toHaveLength(refusals.length + 2)
    expect(JSON.stringify(server?.bodies.at(-1))).toContain('fits this JSON Schema')
  })

  it('leaves the temperature out for models that are known to refuse it', async () => {
    const provider = await facing((_, response) => stream(response, [token(REPLY), finish()]))
    await provider.complete(ask('hello', { model: 'o3-mini' }), { signal: calm })
    expect(server?.bodies[0]).not.toHaveProperty('temperature')
  })

  it('bounds the prompt tokens by the bytes of whatever it may send', async () => {
    const provider = await facing((_, response) => refuse(response, 400, { message: 'response_format' }))
    const request = ask('naïve 漢字 <|endoftext|> "quoted"')
    const bound = provider.bound(request)
    for (let form = 0; form < 3; form++) await failureOf(provider.complete(request, { signal: calm }))
    for (const body of server?.bodies ?? []) expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(bound)
    expect(server?.bodies).toHaveLength(3)
  })
})
