import { MAX_REPLY_BYTES, type TokenUsage } from '@bzzz/protocols'
import type OpenAI from 'openai'
import { type Completion, ModelError } from '../model/model.ts'
import { NOTHING_SAID, readUsage, type UsageReading, type UsageSource, unclear } from './usage.ts'

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
  finish(): Pick<Completion, 'reply' | 'usage' | 'unclear'>
}

/** @param server its address, for messages */
export function gatherReply(
  server: string,
  source: UsageSource,
  onToken: ((text: string) => void) | undefined,
): GatheredReply {
  let reply = ''
  let refusal = ''
  let finished: string | undefined
  let said: UsageReading = NOTHING_SAID
  let tier: string | undefined

  return {
    add(chunk) {
      const choice = chunk.choices?.[0]
      refusal += choice?.delta?.refusal ?? ''
      finished = choice?.finish_reason ?? finished
      tier = chunk.service_tier ?? tier
      if (finished !== undefined && (chunk.usage ?? null) !== null) said = readUsage(chunk.usage, source)
      const text = choice?.delta?.content ?? ''
      reply += text
      if (reply.length > MAX_REPLY_CHARS)
        throw failure('BAD_REPLY', `the reply is longer than ${MAX_REPLY_CHARS} characters`, NOTHING_SAID)
      if (text !== '') onToken?.(text)
    },
    get usage() {
      return checked(said, reply, tier).usage
    },
    finish() {
      const told = checked(said, reply, tier)
      if (finished === undefined)
        throw failure('CUT_OFF', `${server} ended the stream before the reply was whole: see that server's log`, told)
      if (refusal !== '')
        throw failure('REFUSED', `the model refused: "${refusal.slice(0, 300)}"; another model may not`, told)
      if (finished === 'content_filter')
        throw failure(
          'REFUSED',
          `the content filter of ${server} stopped the reply; another model or provider may not`,
          told,
        )
      if (finished === 'length') throw tooShort(told)
      return { reply, ...told }
    },
  }
}

// Three bytes of UTF-8 per UTF-16 unit at most, and room for what the ledger writes in front.
const MAX_REPLY_CHARS = Math.floor((MAX_REPLY_BYTES - 1024) / 3)

function failure(code: 'CUT_OFF' | 'REFUSED' | 'BAD_REPLY', message: string, told: UsageReading): ModelError {
  return new ModelError(code, message, { billed: 'unknown', ...told })
}

/** The same question would run into the same limit. */
function tooShort(told: UsageReading): ModelError {
  const message = 'the reply ran into the limit of output tokens: raise OPENAI_MAX_TOKENS, or review a smaller change'
  return new ModelError('BAD_REPLY', message, { billed: 'unknown', ...told, retryable: false })
}

const DEARER_TIERS = new Set(['priority', 'fast'])

/** What only the whole of a reply can tell of its usage. */
function checked(said: UsageReading, reply: string, tier: string | undefined): UsageReading {
  if (said.usage === null) return said
  if (said.usage.output === 0 && reply !== '') return unclear('it counts no token of a reply that has some')
  if (tier !== undefined && DEARER_TIERS.has(tier))
    return unclear(`it is for service tier "${tier}", which has no price here`)
  return said
}
