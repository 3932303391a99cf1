import type { NanoUsd, TokenUsage } from '@bzzz/protocols'
import type { z } from 'zod'
import { type StatedUsage, statedUsd, usageShape } from './usage-shape.ts'

/** Who says it: some keep habits of their own. */
export interface UsageSource {
  /** Of the server's address. */
  readonly host: string
  readonly model: string
}

/** Either what can be billed, or why nothing can: null when nothing was said. */
export type UsageReading =
  | { readonly usage: TokenUsage; readonly unclear: null }
  | { readonly usage: null; readonly unclear: string | null }

export const NOTHING_SAID: UsageReading = { usage: null, unclear: null }

/** @param words what is wrong, to follow "its usage is unclear:" */
export function unclear(words: string): UsageReading {
  return { usage: null, unclear: words.slice(0, 300) }
}

/**
 * What a server says of a call's tokens, in one form. What it leaves open counts as the dearest that it can be; what
 * contradicts itself, or cannot be priced, is no evidence.
 * @param raw as it came
 */
export function readUsage(raw: unknown, source: UsageSource): UsageReading {
  if (raw === null || raw === undefined) return NOTHING_SAID
  const parsed = usageShape.safeParse(raw)
  if (!parsed.success) return unclear(wordsOf(parsed.error))
  const counts = countsOf(parsed.data, source)
  if (typeof counts === 'string') return unclear(counts)
  const cost = costOf(parsed.data)
  if (typeof cost === 'string') return unclear(cost)
  const { input, cachedInput, written, output, reasoning } = counts
  if (input === 0) return unclear('it counts no token of the prompt')
  const cacheWrite = written ?? (neverWrites(source) ? 0 : Math.max(0, input - cachedInput))
  if (cachedInput + cacheWrite > input) {
    return unclear(`of ${input} prompt tokens ${cachedInput} were read from a cache and ${cacheWrite} written to it`)
  }
  if (reasoning > output) return unclear(`of ${output} generated tokens ${reasoning} are reasoning`)
  return { usage: { input, cachedInput, cacheWrite, output, reasoning, cost }, unclear: null }
}

interface Counts {
  /** All prompt tokens. */
  readonly input: number
  readonly cachedInput: number
  /** Null when it is not said. */
  readonly written: number | null
  readonly output: number
  readonly reasoning: number
}

/** @returns words when they cannot be told */
function countsOf(stated: StatedUsage, source: UsageSource): Counts | string {
  const unpriced = unpricedTokens(stated)
  if (unpriced !== undefined) return `it counts ${unpriced}, which have no price here`
  if (stated.prompt_tokens || isNone(stated.input_tokens)) return countsOfChat(stated, source)
  const { completion_tokens: completion, output_tokens: output } = stated
  if (completion && completion !== output) return 'it counts the tokens of the reply twice, and differently'
  if (isNone(stated.input_tokens_details)) return countsOfAnthropic(stated)
  return countsOfChat(asChat(stated), source)
}

/** Nothing of the kind is asked for; should a server bill it all the same, its price is another. */
function unpricedTokens({ prompt_tokens_details: prompt, completion_tokens_details: reply }: StatedUsage) {
  const kinds = {
    'audio tokens': [prompt?.audio_tokens, reply?.audio_tokens],
    'image tokens': [prompt?.image_tokens, reply?.image_tokens],
    'video tokens': [prompt?.video_tokens],
  }
  return Object.entries(kinds).find(([, counts]) => counts.some((count) => (count ?? 0) > 0))?.[0]
}

/** The names of OpenAI's Responses, where cached tokens are part of the prompt's, too. */
function asChat({
  input_tokens,
  output_tokens,
  input_tokens_details,
  output_tokens_details,
  ...stated
}: StatedUsage): StatedUsage {
  return {
    ...stated,
    prompt_tokens: input_tokens,
    completion_tokens: output_tokens,
    prompt_tokens_details: input_tokens_details,
    completion_tokens_details: output_tokens_details,
  }
}

/** Anthropic's own form: `input_tokens` are those that the cache had nothing to do with. */
function countsOfAnthropic(stated: StatedUsage): Counts | string {
  const { input_tokens: fresh, output_tokens: output } = stated
  const { cache_read_input_tokens: cachedInput, cache_creation_input_tokens: written } = stated
  if (isNone(fresh) || isNone(output)) return 'it has no output_tokens'
  if (isNone(cachedInput) || isNone(written)) return 'it does not say what of the prompt beside input_tokens was cached'
  const input = fresh + cachedInput + written
  const total = stated.total_tokens ?? input + output
  if (total !== input + output) return `total_tokens is ${total}, and its parts are ${input} and ${output}`
  return { input, cachedInput, written, output, reasoning: 0 }
}

/** OpenAI's form: cached tokens are part of the prompt's, reasoning of the reply's. Not all who follow it keep to that. */
function countsOfChat(stated: StatedUsage, source: UsageSource): Counts | string {
  const { prompt_tokens: prompt, prompt_tokens_details: details } = stated
  if (isNone(prompt)) return 'it has no prompt_tokens'
  const { prompt_cache_hit_tokens: hit, prompt_cache_miss_tokens: miss, cached_tokens } = stated
  if (!isNone(hit) && !isNone(miss) && hit + miss !== prompt) {
    return `prompt_tokens is ${prompt}, and hit or missed the cache have ${hit + miss}`
  }
  const read = agreed([details?.cached_tokens, stated.cache_read_input_tokens, hit, cached_tokens])
  const written = agreed([
    details?.cache_write_tokens,
    details?.cache_creation_tokens,
    stated.cache_creation_input_tokens,
  ])
  if (read === 'differ' || written === 'differ') return 'it counts the tokens of the cache twice, and differently'
  const parts = partsOfTotal(stated, prompt, source)
  if (typeof parts === 'string') return parts
  // Where two fields differ, one being 0, the dearer is believed.
  return { ...parts, cachedInput: read?.least ?? 0, written: written?.most ?? null }
}

/** What is said once, or several times alike. */
function agreed(
  counts: readonly (number | null | undefined)[],
): { least: number; most: number } | 'differ' | undefined {
  const said = counts.filter((count) => !isNone(count))
  if (said.length === 0) return undefined
  if (new Set(said.filter((count) => count > 0)).size > 1) return 'differ'
  return { least: Math.min(...said), most: Math.max(...said) }
}

/** Of the counts only those that a total may move. */
type Parts = Pick<Counts, 'input' | 'output' | 'reasoning'>

/**
 * The total tells what stands beside the two counts rather than in them: reasoning at xAI, thoughts at Gemini, what the
 * cache had to do with where a gateway mixes Anthropic's counts with OpenAI's.
 */
function partsOfTotal(stated: StatedUsage, prompt: number, source: UsageSource): Parts | string {
  const { completion_tokens: completion, total_tokens: total } = stated
  const reasoning = stated.completion_tokens_details?.reasoning_tokens ?? 0
  const cached = (stated.cache_read_input_tokens ?? 0) + (stated.cache_creation_input_tokens ?? 0)
  if (isNone(total)) {
    if (isNone(completion)) return 'it has no completion_tokens'
    if (reasoning > 0) return 'without total_tokens, nobody can tell whether reasoning is part of completion_tokens'
    if (cached > 0) return 'without total_tokens, nobody can tell whether cached tokens are part of prompt_tokens'
    return { input: prompt, output: completion, reasoning }
  }
  const generated = { input: prompt, output: total - prompt, reasoning }
  const beside = total - prompt - (completion ?? 0)
  if (beside === 0 || beside === reasoning) return generated
  if (isNone(completion) && beside > 0) return generated
  if (beside === cached) return { ...generated, input: prompt + cached, output: completion ?? 0 }
  const isThought = beside > 0 && reasoning === 0 && countsThoughtsAside(source)
  if (isThought) return { ...generated, reasoning: beside }
  return `total_tokens is ${total}, and its parts are ${prompt} and ${completion ?? 'missing'}`
}

/** Gemini's compatible endpoint counts thoughts only in the total: they are billed as generated. */
function countsThoughtsAside({ host, model }: UsageSource): boolean {
  return host.endsWith('.googleapis.com') || /(^|\/)gemini-/.test(model)
}

/** Anthropic's compatible endpoint does not cache prompts, so its documentation; it tells nothing about it. */
function neverWrites({ host }: UsageSource): boolean {
  return host === 'api.anthropic.com'
}

/** @returns what the server says that it charged, null when it does not say; words when that cannot be */
function costOf(stated: StatedUsage): NanoUsd | null | string {
  const { cost, cost_in_usd_ticks: ticks, is_byok, cost_details: details } = stated
  if (!isNone(ticks)) return nanoUsdOf(ticks / TICKS_PER_USD)
  // Others may count in another currency.
  const isOpenRouter = !isNone(is_byok) || !isNone(details)
  if (!isOpenRouter || isNone(cost)) return null
  const charged = statedUsd.safeParse(cost)
  if (!charged.success) return `cost: ${wordsOf(charged.error)}`
  // With a key of one's own, its provider bills besides; and then a good deal more than the router.
  const upstream = details?.upstream_inference_cost ?? 0
  const isBilledApart = is_byok ?? upstream > charged.data
  return nanoUsdOf(charged.data + (isBilledApart ? upstream : 0))
}

const TICKS_PER_USD = 1e10

/** Rounded up, but for what a sum of binary fractions is off. */
function nanoUsdOf(usd: number): NanoUsd {
  return BigInt(Math.ceil(Number((usd * 1e9).toFixed(3)))) as NanoUsd
}

function isNone(value: unknown): value is null | undefined {
  return value === null || value === undefined
}

function wordsOf(error: z.ZodError): string {
  const { path = [], message = 'wrong shape' } = error.issues[0] ?? {}
  return path.length === 0 ? message : `${path.join('.')}: ${message}`
}
