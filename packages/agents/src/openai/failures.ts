import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError, OpenAIError } from 'openai'
import { ModelError, type ModelErrorCode, type ModelErrorDetails } from '../model/model.ts'

export interface FailureContext {
  /** Wall milliseconds, for dates in `retry-after`. */
  readonly now: number
  /** Text without keys. */
  readonly scrub: (text: string) => string
}

/** What the client library threw, in our words. A refusal's own error is not kept as the cause: it may quote the key. */
export function failureOf(error: unknown, context: FailureContext): ModelError {
  if (error instanceof ModelError) return error
  const message = context.scrub(error instanceof Error ? error.message : String(error)).slice(0, 500)
  const failure = (code: ModelErrorCode, details: ModelErrorDetails) => new ModelError(code, message, details)
  if (error instanceof APIUserAbortError) return failure('ABORTED', { billed: 'unknown' })
  if (error instanceof APIConnectionTimeoutError) return failure('TIMEOUT', { billed: 'unknown' })
  if (error instanceof APIConnectionError) {
    return failure('UNAVAILABLE', { billed: neverArrived(error) ? 'no' : 'unknown', cause: error })
  }
  if (error instanceof APIError) return failure(...refusalOf(error, context.now))
  if (error instanceof OpenAIError) return failure('AUTH', { billed: 'no' }) // the key could not be read
  if (error instanceof SyntaxError) return failure('BAD_REPLY', { billed: 'unknown', cause: error })
  return failure('CUT_OFF', { billed: 'unknown', cause: error }) // the socket broke in the middle of the stream
}

/** HTTP statuses before any output. Those of gateways leave open whether the model behind them worked and was paid. */
function refusalOf(error: APIError, now: number): [ModelErrorCode, ModelErrorDetails] {
  const retryAfterMs = retryAfterOf(error.headers, now)
  switch (error.status) {
    case undefined: // an error event in the middle of a stream
      return ['UNAVAILABLE', { billed: 'unknown' }]
    case 401:
    case 403:
      return ['AUTH', { billed: 'no' }]
    case 404:
      return ['NOT_FOUND', { billed: 'no' }]
    case 408:
      return ['TIMEOUT', { billed: 'unknown', retryAfterMs }]
    case 429: // an account without credit stays without it
      return ['RATE_LIMITED', { billed: 'no', retryAfterMs, retryable: error.code !== 'insufficient_quota' }]
    case 503:
    case 529:
      return ['UNAVAILABLE', { billed: 'no', retryAfterMs }]
  }
  if (error.status === 409 || error.status >= 500) return ['UNAVAILABLE', { billed: 'unknown', retryAfterMs }]
  return ['INVALID_REQUEST', { billed: 'no' }]
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

const NEVER_ARRIVED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

function neverArrived(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as { code?: unknown }
  return (typeof code === 'string' && NEVER_ARRIVED.has(code)) || neverArrived(error.cause)
}
