import type { CallId } from '@bzzz/protocols'
import OpenAI, { APIError } from 'openai'
import {
  type CompleteOptions,
  type Completion,
  ModelError,
  type ModelProvider,
  type ModelRequest,
} from '../model/model.ts'
import { bodyFor, boundOf } from './body.ts'
import { type Dialect, firstDialect, OPENAI_URL, simplerDialect } from './dialect.ts'
import { failureOf } from './failures.ts'
import { createKeyring } from './keyring.ts'
import { type GatheredReply, gatherReply } from './reply.ts'
import { serverTime } from './server-time.ts'
import { createSilenceWatch, type SilenceWatch } from './silence.ts'

export interface OpenAiOptions {
  /** Of a server that speaks OpenAI's chat completions, up to `/v1`. Default: OpenAI itself. */
  readonly baseUrl?: string
  /** Read for each request, so that a key can be changed while the node runs; undefined for a server without keys. */
  readonly readKey: () => string | undefined | Promise<string | undefined>
  /** Tokens that a model takes, prompt and reply together. */
  readonly window: (model: string) => number
  /** How long the server may be silent, before its first byte and between any two. */
  readonly idleTimeoutMs: number
  readonly now: () => number
  /** Told the Date header of each response, wall milliseconds in whole seconds. Must not throw. */
  readonly onServerTime?: (wallMs: number) => void
  /** Rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

/**
 * Chat completions over HTTP, streamed. One request per call: the library's own retries and timer are off, since each
 * attempt needs a hold of its own, and its timer stops at the first byte.
 */
export function createOpenAiProvider(options: OpenAiOptions): ModelProvider {
  const baseUrl = (options.baseUrl ?? OPENAI_URL).replace(/\/+$/, '')
  const server = shownUrl(baseUrl)
  const host = new URL(baseUrl).hostname
  const dialects = new Map<string, Dialect>()
  const keys = createKeyring(options.readKey)
  const client = new OpenAI({
    baseURL: baseUrl,
    apiKey: keys.read,
    adminAPIKey: null,
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
    logLevel: 'off',
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      const wallMs = serverTime(response.headers)
      if (wallMs !== undefined) options.onServerTime?.(wallMs)
      return response
    },
  })

  function dialectOf(model: string): Dialect {
    const dialect = dialects.get(model) ?? firstDialect(model, baseUrl)
    dialects.set(model, dialect)
    return dialect
  }

  /** @returns whether the next request will have another form, without what was refused */
  function learn(error: unknown, model: string, used: Dialect): boolean {
    if (!(error instanceof APIError) || (error.status !== 400 && error.status !== 422)) return false
    const simpler = simplerDialect(used, `${error.param ?? ''} ${error.message}`)
    if (simpler !== undefined && dialectOf(model) === used) dialects.set(model, simpler)
    return simpler !== undefined
  }

  async function complete(request: ModelRequest, { signal, onToken, onNamed }: CompleteOptions): Promise<Completion> {
    const dialect = dialectOf(request.model)
    const watch = createSilenceWatch(options)
    const gathered = gatherReply(server, { host, model: request.model }, onToken)
    const init = {
      signal: AbortSignal.any([signal, watch.signal]),
      headers: callHeaders(request.callId),
    }
    try {
      const sent = client.chat.completions.create(bodyFor(request, dialect), init).withResponse()
      const { data, request_id } = await watch.over(sent)
      const providerRequestId = request_id?.slice(0, MAX_REQUEST_ID_CHARS) ?? null
      if (providerRequestId !== null) onNamed?.(providerRequestId)
      await gather(data, gathered, watch)
      // An aborted or cut stream ends without an error of its own: what counts is that the reply came to its end.
      return { ...gathered.finish(), providerRequestId }
    } catch (error) {
      const { usage } = gathered
      if (error instanceof APIError && error.requestID) onNamed?.(error.requestID.slice(0, MAX_REQUEST_ID_CHARS))
      if (signal.aborted) throw new ModelError('ABORTED', 'the call was given up', { billed: 'unknown', usage })
      if (watch.wasSilent) throw stalled(server, options.idleTimeoutMs, usage)
      const { hasKey, scrub } = keys
      const failure = failureOf(error, { server, model: request.model, hasKey, now: options.now(), scrub })
      if (!learn(error, request.model, dialect)) throw failure
      throw new ModelError('INVALID_REQUEST', failure.message, { billed: 'no', retryable: true, retryAfterMs: 0 })
    } finally {
      watch.end()
    }
  }

  return {
    name: 'openai',
    simulated: false,
    complete,
    window: options.window,
    bound: (question) => boundOf(question, dialectOf(question.model)),
  }
}

// What the ledger keeps of it.
const MAX_REQUEST_ID_CHARS = 200

/**
 * The call's id, so that it can be found in the provider's own records: OpenAI logs the second header, gateways and
 * compatible servers one or the other, and a server that knows neither passes over them.
 */
function callHeaders(call: CallId): Record<string, string> {
  return { 'Idempotency-Key': call, 'X-Client-Request-Id': call }
}

const NO_TIMEOUT_MS = 2 ** 31 - 1 // what a timer of Node takes

async function gather(
  chunks: AsyncIterable<OpenAI.ChatCompletionChunk>,
  gathered: GatheredReply,
  watch: SilenceWatch,
): Promise<void> {
  const iterator = chunks[Symbol.asyncIterator]()
  for (let next = await watch.over(iterator.next()); !next.done; next = await watch.over(iterator.next())) {
    gathered.add(next.value)
  }
}

function stalled(server: string, ms: number, usage: ModelError['usage']): ModelError {
  const message = `${server} was silent for ${ms / 1000} s: see that server's log, or raise BZZZ_MODEL_IDLE_TIMEOUT if its model needs so long`
  return new ModelError('STALLED', message, { billed: 'unknown', usage })
}

/** Some servers take a name and a password, or a key, in their address. */
function shownUrl(baseUrl: string): string {
  const { origin, pathname } = new URL(baseUrl)
  return `${origin}${pathname}`
}
