import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError, OpenAIError } from 'openai'
import { ModelError, type ModelErrorCode, type ModelErrorDetails } from '../model/model.ts'

export interface FailureContext {
  /** Address of the server, as people may see it. */
  readonly server: string
  readonly model: string
  /** Whether a key was sent. */
  readonly hasKey: boolean
  /** Wall milliseconds, for dates in `retry-after`. */
  readonly now: number
  /** Text without keys. */
  readonly scrub: (text: string) => string
}

/**
 * What the client library threw, in our words: what, where, what to do. A refusal's own error is not kept as the cause: it
 * may quote the key.
 */
export function failureOf(error: unknown, context: FailureContext): ModelError {
  if (error instanceof ModelError) return error
  const { server } = context
  const said = context.scrub(wordsOf(error)).slice(0, 500)
  const failure = (code: ModelErrorCode, message: string, details: ModelErrorDetails) =>
    new ModelError(code, message, details)
  if (error instanceof APIUserAbortError) return failure('ABORTED', 'the call was given up', { billed: 'unknown' })
  if (error instanceof APIConnectionTimeoutError)
    return failure('TIMEOUT', `${server} did not answer in time`, { billed: 'unknown' })
  if (error instanceof APIConnectionError) {
    if (neverArrived(error))
      return failure(
        'UNAVAILABLE',
        `${server} cannot be reached (${said}): start that server, or correct OPENAI_BASE_URL`,
        {
          billed: 'no',
          cause: error,
        },
      )
    return failure(
      'UNAVAILABLE',
      `${server} closed the connection without an answer (${said}): see that server's log`,
      {
        billed: 'unknown',
        cause: error,
      },
    )
  }
  if (error instanceof APIError) return refusalOf(error, said, context)
  if (isAboutKey(error)) return failure('AUTH', `the key for ${server} cannot be read: ${said}`, { billed: 'no' })
  if (error instanceof SyntaxError)
    return failure('BAD_REPLY', `${server} streams what is not JSON (${said}): is it an OpenAI-compatible server?`, {
      billed: 'unknown',
      cause: error,
    })
  return failure(
    'CUT_OFF',
    `${server} broke the connection in the middle of the reply (${said}): see that server's log`,
    {
      billed: 'unknown',
      cause: error,
    },
  )
}

/** The client library and fetch say `Connection error.` and `terminated`; why lies in the innermost cause. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (isAboutKey(error) && error.cause instanceof Error) return error.cause.message
  if (error.cause instanceof Error && !(error instanceof SyntaxError)) return wordsOf(error.cause)
  if (error instanceof AggregateError && error.errors.length > 0) return wordsOf(error.errors[0]) // one per address tried
  const { code } = error as { code?: unknown }
  const named = typeof code === 'string' && !(error instanceof APIError) && !error.message.includes(code)
  return [named ? code : '', error.message].filter((part) => part !== '').join(': ') || error.name
}

/** The only other thing that the library throws: the key could not be read, and the reader says best why. */
function isAboutKey(error: unknown): boolean {
  return error instanceof OpenAIError && !(error instanceof APIError)
}

/** HTTP statuses before any output. Those of gateways leave open whether the model behind them worked and was paid. */
function refusalOf(error: APIError, said: string, { server, model, hasKey, now }: FailureContext): ModelError {
  const retryAfterMs = retryAfterOf(error.headers, now)
  const failure = (code: ModelErrorCode, message: string, details: ModelErrorDetails) =>
    new ModelError(code, message, { retryAfterMs, ...details })
  switch (error.status) {
    case undefined: // an error event in the middle of a stream
      return failure('UNAVAILABLE', `${server} failed in the middle of the reply (${said}): see that server's log`, {
        billed: 'unknown',
      })
    case 401:
    case 403: {
      const what = hasKey ? 'refuses the key' : 'wants a key, and none is set'
      return failure(
        'AUTH',
        `${server} ${what} (${said}): set OPENAI_API_KEY or OPENAI_API_KEY_FILE to one that it takes`,
        {
          billed: 'no',
        },
      )
    }
    case 404:
      return failure(
        'NOT_FOUND',
        `${server} does not know the model "${model}", or is no such address (${said}): correct OPENAI_MODEL or OPENAI_BASE_URL, which mostly ends in /v1`,
        { billed: 'no' },
      )
    case 408:
      return failure('TIMEOUT', `${server} gave up the request (${said})`, { billed: 'unknown' })
    case 429: {
      // An account without credit stays without it.
      const empty = error.code === 'insufficient_quota'
      const remedy = empty ? "top up the provider's account" : "ask less at a time, or raise the provider's limit"
      const message = `${server} takes no more now (${said})${waitWords(retryAfterMs)}: ${remedy}`
      return failure('RATE_LIMITED', message, { billed: 'no', retryable: !empty })
    }
    case 503:
    case 529:
      return failure('UNAVAILABLE', `${server} is overloaded (${said})${waitWords(retryAfterMs)}: try again later`, {
        billed: 'no',
      })
  }
  if (error.status === 409 || error.status >= 500)
    return failure('UNAVAILABLE', `${server} failed (${said}): see that server's log`, { billed: 'unknown' })
  return failure('INVALID_REQUEST', `${server} refuses the request for "${model}" (${said})`, { billed: 'no' })
}

function waitWords(retryAfterMs: number | null): string {
  return retryAfterMs === null ? '' : ` and wants us back after ${Math.ceil(retryAfterMs / 1000)} s`
}

/** @returns milliseconds; null without a usable header */
function retryAfterOf(headers: Headers | undefined, now: number): number | null {
  const ms = Number.parseFloat(headers?.get('retry-after-ms') ?? '')
  if (ms >= 0) return ms
  const text = headers?.get('retry-after') ?? ''
  const seconds = Number(text)
  if (text !== '' && seconds >= 0) return seconds * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? null : Math.max(0, date - now)
}

/** No connection was made, or not the encrypted one that a request is sent over. */
const NEVER_ARRIVED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** fetch connects to no port that the web's standard keeps for other protocols, such as 6000; it says so without a code. */
const BAD_PORT = 'bad port'

function neverArrived(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as { code?: unknown }
  if (error.message === BAD_PORT || (typeof code === 'string' && NEVER_ARRIVED.has(code))) return true
  return neverArrived(error.cause)
}
