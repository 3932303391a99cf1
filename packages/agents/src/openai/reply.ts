import { MAX_REPLY_BYTES, type TokenUsage } from '@bzzz/protocols'
import type OpenAI from 'openai'
import { ModelError } from '../model/model.ts'

type Chunk = OpenAI.ChatCompletionChunk

/** The parts of a streamed reply, put together. */
export interface GatheredReply {
  add(chunk: Chunk): void
  /**
   * Null before the end. Some servers say as they go what was used so far, which is less than what is billed for a reply
   * that is given up: only what comes with the reason for its end, or after it, is the whole.
   */
  readonly usage: TokenUsage | null
  /** @throws {ModelError} CUT_OFF, REFUSED or BAD_REPLY */
  finish(): { reply: string; usage: TokenUsage | null }
}

/** @param server its address, for messages */
export function gatherReply(server: string, onToken: ((text: string) => void) | undefined): GatheredReply {
  let reply = ''
  let refusal = ''
  let finished: string | undefined
  let usage: TokenUsage | null = null

  return {
    add(chunk) {
      const choice = chunk.choices?.[0]
      refusal += choice?.delta?.refusal ?? ''
      finished = choice?.finish_reason ?? finished
      if (finished !== undefined) usage = usageOf(chunk.usage) ?? usage
      const text = choice?.delta?.content ?? ''
      reply += text
      if (reply.length > MAX_REPLY_CHARS)
        throw failure('BAD_REPLY', `the reply is longer than ${MAX_REPLY_CHARS} characters`, null)
      if (text !== '') onToken?.(text)
    },
    get usage() {
      return usage
    },
    finish() {
      if (finished === undefined)
        throw failure('CUT_OFF', `${server} ended the stream before the reply was whole: see that server's log`, usage)
      if (refusal !== '')
        throw failure('REFUSED', `the model refused: "${refusal.slice(0, 300)}"; another model may not`, usage)
      if (finished === 'content_filter')
        throw failure(
          'REFUSED',
          `the content filter of ${server} stopped the reply; another model or provider may not`,
          usage,
        )
      if (finished === 'length') throw tooShort(usage)
      return { reply, usage }
    },
  }
}

// Three bytes of UTF-8 per UTF-16 unit at most, and room for what the ledger writes in front.
const MAX_REPLY_CHARS = Math.floor((MAX_REPLY_BYTES - 1024) / 3)

function failure(code: 'CUT_OFF' | 'REFUSED' | 'BAD_REPLY', message: string, usage: TokenUsage | null): ModelError {
  return new ModelError(code, message, { billed: 'unknown', usage })
}

/** The same question would run into the same limit. */
function tooShort(usage: TokenUsage | null): ModelError {
  const message = 'the reply ran into the limit of output tokens: raise OPENAI_MAX_TOKENS, or review a smaller change'
  return new ModelError('BAD_REPLY', message, { billed: 'unknown', usage, retryable: false })
}

/** @returns null for usage that is missing, malformed, or claims an empty prompt: such a call costs its whole hold */
export function usageOf(usage: Chunk['usage']): TokenUsage | null {
  if (usage == null || !isCount(usage.prompt_tokens) || !isCount(usage.completion_tokens)) return null
  if (usage.prompt_tokens === 0) return null
  const cached = usage.prompt_tokens_details?.cached_tokens
  const reasoning = usage.completion_tokens_details?.reasoning_tokens
  return {
    input: usage.prompt_tokens,
    cachedInput: isCount(cached) ? Math.min(cached, usage.prompt_tokens) : 0,
    output: usage.completion_tokens,
    reasoning: isCount(reasoning) ? Math.min(reasoning, usage.completion_tokens) : 0,
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
