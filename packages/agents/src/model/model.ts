import type { CallId, TokenUsage } from '@bzzz/protocols'
import type { ReviewTask } from '../review/task.ts'

/** What answers a turn: rules, or a language model behind an API. One object serves many calls at once. */
export interface ModelProvider {
  /** As it stands in cards and reports: `offline`, `openai`. */
  readonly name: string
  /** True when no language model answers. */
  readonly simulated: boolean
  /**
   * One attempt: at most one provider request, never a retry of its own. Streams where the provider does.
   * @throws {ModelError} for everything that can go wrong, an abort included
   */
  complete(request: ModelRequest, options: CompleteOptions): Promise<Completion>
  /** Tokens of prompt and reply together that the model takes. */
  window(model: string): number
  /** Upper bound of the prompt tokens that `complete` would be billed for this question. */
  bound(question: ModelQuestion): number
}

export interface CompleteOptions {
  readonly signal: AbortSignal
  /** Text as it arrives, for people who watch; the reply counts only once `complete` resolves. */
  readonly onToken?: (text: string) => void
  /** Told once the provider has named the request, which is before its reply: what is cut off later can be looked up by it. */
  readonly onNamed?: (providerRequestId: string) => void
}

/** What is asked, whichever attempt asks it. */
export interface ModelQuestion {
  readonly model: string
  readonly system: string
  readonly prompt: string
  /** JSON Schema that the reply must fit. */
  readonly schema: { readonly name: string; readonly json: object }
  readonly maxOutputTokens: number
  readonly temperature?: number
  /** The same question as data, for providers that are not language models. */
  readonly task: ReviewTask
}

export interface ModelRequest extends ModelQuestion {
  readonly callId: CallId
}

export interface Completion {
  /** JSON text in the schema's shape; not yet checked. */
  readonly reply: string
  /** Null when the provider did not say, or nothing that can be believed. */
  readonly usage: TokenUsage | null
  /** Why what it said of usage is no evidence; absent or null when it is, or when it said nothing. */
  readonly unclear?: string | null
  readonly providerRequestId: string | null
}

export type ModelErrorCode =
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  | 'TIMEOUT'
  | 'STALLED'
  | 'CUT_OFF'
  | 'REFUSED'
  | 'BAD_REPLY'
  | 'AUTH'
  | 'NOT_FOUND'
  | 'INVALID_REQUEST'
  | 'ABORTED'

export interface ModelErrorDetails {
  /** `no` only when the provider certainly charged nothing; else the whole hold counts as spent. */
  readonly billed: 'no' | 'unknown'
  /** How long the provider asks to wait; null when it did not say. */
  readonly retryAfterMs?: number | null
  /** Of the whole call: known when the answer came to its end with usage and was of no use. Never what was used so far. */
  readonly usage?: TokenUsage | null
  /** As in {@link Completion}. */
  readonly unclear?: string | null
  /** Set when it differs from what the code says, e.g. a refused reply format that the next request leaves out. */
  readonly retryable?: boolean
  readonly cause?: unknown
}

const RETRYABLE: ReadonlySet<ModelErrorCode> = new Set([
  'RATE_LIMITED',
  'UNAVAILABLE',
  'TIMEOUT',
  'STALLED',
  'CUT_OFF',
  'BAD_REPLY',
])

/** Why one attempt gave no usable reply. The message never holds a key. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly code: ModelErrorCode
  readonly billed: 'no' | 'unknown'
  readonly retryAfterMs: number | null
  readonly usage: TokenUsage | null
  readonly unclear: string | null
  /** Whether a further attempt may go better. */
  readonly retryable: boolean

  constructor(code: ModelErrorCode, message: string, details: ModelErrorDetails) {
    super(message, { cause: details.cause })
    this.code = code
    this.billed = details.billed
    this.retryAfterMs = details.retryAfterMs ?? null
    this.usage = details.usage ?? null
    this.unclear = details.unclear ?? null
    this.retryable = details.retryable ?? RETRYABLE.has(code)
  }
}
