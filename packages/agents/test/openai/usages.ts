import type { TokenUsage } from '@bzzz/protocols'
import type { UsageSource } from '../../src/openai/usage.ts'

/** What a server says at the end of a stream, and what is billed for it. */
export interface SaidAndRead {
  readonly by: string
  readonly source: UsageSource
  readonly said: object
  readonly read: Partial<TokenUsage>
}

const at = (host: string, model: string): UsageSource => ({ host, model })
const OPENAI = at('api.openai.com', 'gpt-5.1')
const LOCAL = at('127.0.0.1', 'qwen3')
const details = { accepted_prediction_tokens: 0, audio_tokens: 0, rejected_prediction_tokens: 0 }

export const USAGES: readonly SaidAndRead[] = [
  {
    by: 'OpenAI, with part of the prompt from the cache and reasoning in the reply',
    source: OPENAI,
    said: {
      ...{ prompt_tokens: 2_006, completion_tokens: 300, total_tokens: 2_306 },
      prompt_tokens_details: { cached_tokens: 1_920, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 192, ...details },
    },
    read: { input: 2_006, cachedInput: 1_920, cacheWrite: 86, output: 300, reasoning: 192 },
  },
  {
    by: 'OpenAI, of a model whose cache writes are told',
    source: OPENAI,
    said: {
      ...{ prompt_tokens: 2_006, completion_tokens: 300, total_tokens: 2_306 },
      prompt_tokens_details: { cached_tokens: 1_024, cache_write_tokens: 900, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0, ...details },
    },
    read: { input: 2_006, cachedInput: 1_024, cacheWrite: 900, output: 300, reasoning: 0 },
  },
  {
    by: "OpenAI, in its Responses' words, as some gateways pass them on",
    source: at('gateway.example', 'gpt-5.1'),
    said: {
      ...{ input_tokens: 36, output_tokens: 87, total_tokens: 123 },
      input_tokens_details: { cached_tokens: 20 },
      output_tokens_details: { reasoning_tokens: 64 },
    },
    read: { input: 36, cachedInput: 20, cacheWrite: 16, output: 87, reasoning: 64 },
  },
  {
    by: 'Ollama',
    source: LOCAL,
    said: { prompt_tokens: 26, completion_tokens: 298, total_tokens: 324 },
    read: { input: 26, cachedInput: 0, cacheWrite: 26, output: 298, reasoning: 0 },
  },
  {
    by: 'vLLM',
    source: LOCAL,
    said: { prompt_tokens: 31, total_tokens: 115, completion_tokens: 84, prompt_tokens_details: null },
    read: { input: 31, cachedInput: 0, cacheWrite: 31, output: 84 },
  },
  {
    by: 'vLLM, started with --enable-prompt-tokens-details',
    source: LOCAL,
    said: {
      prompt_tokens: 931,
      total_tokens: 1_015,
      completion_tokens: 84,
      prompt_tokens_details: { cached_tokens: 896 },
    },
    read: { input: 931, cachedInput: 896, cacheWrite: 35, output: 84 },
  },
  {
    by: 'vLLM, which may leave out the count of the reply',
    source: LOCAL,
    said: { prompt_tokens: 31, total_tokens: 115 },
    read: { input: 31, output: 84 },
  },
  {
    by: 'llama.cpp',
    source: LOCAL,
    said: { completion_tokens: 48, prompt_tokens: 44, total_tokens: 92, prompt_tokens_details: { cached_tokens: 36 } },
    read: { input: 44, cachedInput: 36, cacheWrite: 8, output: 48 },
  },
  {
    by: 'LiteLLM, of a model of Anthropic',
    source: at('127.0.0.1', 'claude-sonnet-4-5'),
    said: {
      ...{ completion_tokens: 300, prompt_tokens: 4_116, total_tokens: 4_416 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: null, text_tokens: 300 },
      prompt_tokens_details: {
        cached_tokens: 1_500,
        cache_creation_tokens: 2_600,
        text_tokens: 16,
        audio_tokens: null,
      },
      ...{ cache_creation_input_tokens: 2_600, cache_read_input_tokens: 1_500 },
    },
    read: { input: 4_116, cachedInput: 1_500, cacheWrite: 2_600, output: 300 },
  },
  {
    by: 'LiteLLM, of a model of OpenAI',
    source: at('127.0.0.1', 'gpt-4o'),
    said: {
      ...{ prompt_tokens: 2_006, completion_tokens: 300, total_tokens: 2_306 },
      ...{ prompt_tokens_details: { cached_tokens: 1_920 }, completion_tokens_details: { reasoning_tokens: 0 } },
      cache_creation_input_tokens: 0,
    },
    read: { input: 2_006, cachedInput: 1_920, cacheWrite: 0, output: 300 },
  },
  {
    by: 'a gateway that has the counts of Anthropic beside those of OpenAI',
    source: at('gateway.example', 'claude-sonnet-4-5'),
    said: {
      ...{ prompt_tokens: 16, completion_tokens: 300, total_tokens: 4_416 },
      ...{ cache_creation_input_tokens: 2_600, cache_read_input_tokens: 1_500 },
    },
    read: { input: 4_116, cachedInput: 1_500, cacheWrite: 2_600, output: 300 },
  },
  {
    by: 'OpenRouter, which billed a prompt as written to the cache and did not tell how much was',
    source: at('openrouter.ai', 'anthropic/claude-haiku-4.5'),
    said: {
      ...{ completion_tokens: 122, prompt_tokens: 13_559, total_tokens: 13_681 },
      completion_tokens_details: { audio_tokens: null, reasoning_tokens: 0, image_tokens: 0 },
      prompt_tokens_details: { audio_tokens: 0, cached_tokens: 0, video_tokens: 0 },
      ...{ cost: 0.017558, is_byok: false },
      cost_details: { upstream_inference_cost: null, upstream_inference_prompt_cost: 0.016948 },
    },
    read: { input: 13_559, cachedInput: 0, cacheWrite: 13_559, output: 122, cost: 17_558_000n as never },
  },
  {
    by: "OpenRouter, with a key of one's own, which its provider bills besides",
    source: at('openrouter.ai', 'openai/gpt-4o'),
    said: {
      ...{
        completion_tokens: 2,
        prompt_tokens: 194,
        total_tokens: 196,
        completion_tokens_details: { reasoning_tokens: 0 },
      },
      prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 100, audio_tokens: 0 },
      ...{ cost: 0.95, cost_details: { upstream_inference_cost: 19 } },
    },
    read: { input: 194, cachedInput: 0, cacheWrite: 100, output: 2, cost: 19_950_000_000n as never },
  },
  {
    by: 'OpenRouter, which repeats what its provider charged',
    source: at('openrouter.ai', 'openai/gpt-4o'),
    said: {
      ...{ completion_tokens: 2, prompt_tokens: 194, total_tokens: 196 },
      ...{ cost: 0.000505, is_byok: false, cost_details: { upstream_inference_cost: 0.000505 } },
    },
    read: { input: 194, output: 2, cost: 505_000n as never },
  },
  {
    by: "Anthropic's compatible endpoint, which does not cache",
    source: at('api.anthropic.com', 'claude-sonnet-4-5'),
    said: { completion_tokens: 503, prompt_tokens: 2_095, total_tokens: 2_598 },
    read: { input: 2_095, cachedInput: 0, cacheWrite: 0, output: 503 },
  },
  {
    by: "Anthropic's own form, through a gateway",
    source: at('gateway.example', 'claude-sonnet-4-5'),
    said: {
      ...{ input_tokens: 21, cache_creation_input_tokens: 188_086, cache_read_input_tokens: 1_000, output_tokens: 393 },
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 188_086 },
      service_tier: 'standard',
    },
    read: { input: 189_107, cachedInput: 1_000, cacheWrite: 188_086, output: 393 },
  },
  {
    by: "Gemini's compatible endpoint, whose thoughts are only in the total",
    source: at('generativelanguage.googleapis.com', 'gemini-2.5-flash'),
    said: { completion_tokens: 198, prompt_tokens: 20, total_tokens: 623 },
    read: { input: 20, cachedInput: 0, cacheWrite: 20, output: 603, reasoning: 405 },
  },
  {
    by: "Gemini's compatible endpoint, when nothing was left for the reply",
    source: at('generativelanguage.googleapis.com', 'gemini-2.5-flash'),
    said: { prompt_tokens: 21, total_tokens: 81 },
    read: { input: 21, output: 60 },
  },
  {
    by: 'a gateway to Gemini that names the thoughts but does not count them',
    source: at('gateway.example', 'google/gemini-2.5-pro'),
    said: {
      ...{ completion_tokens: 0, total_tokens: 81, prompt_tokens: 21 },
      completion_tokens_details: { reasoning_tokens: 60 },
    },
    read: { input: 21, output: 60, reasoning: 60 },
  },
  {
    by: 'xAI, whose reasoning is beside the reply, and which says what it charged',
    source: at('api.x.ai', 'grok-4.20'),
    said: {
      ...{ prompt_tokens: 10_120, completion_tokens: 1_499, total_tokens: 14_428 },
      prompt_tokens_details: { cached_tokens: 128 },
      completion_tokens_details: { reasoning_tokens: 2_809 },
      cost_in_usd_ticks: 232_856_000,
    },
    read: { input: 10_120, cachedInput: 128, output: 4_308, reasoning: 2_809, cost: 23_285_600n as never },
  },
  {
    by: 'DeepSeek',
    source: at('api.deepseek.com', 'deepseek-reasoner'),
    said: {
      ...{ prompt_tokens: 1_216, completion_tokens: 540, total_tokens: 1_756 },
      ...{ prompt_tokens_details: { cached_tokens: 1_152 }, completion_tokens_details: { reasoning_tokens: 410 } },
      ...{ prompt_cache_hit_tokens: 1_152, prompt_cache_miss_tokens: 64 },
    },
    read: { input: 1_216, cachedInput: 1_152, cacheWrite: 64, output: 540, reasoning: 410 },
  },
  {
    by: 'DeepSeek, as it was before it used the names of OpenAI too',
    source: at('api.deepseek.com', 'deepseek-chat'),
    said: {
      ...{ prompt_tokens: 1_216, completion_tokens: 540, total_tokens: 1_756 },
      ...{ prompt_cache_hit_tokens: 1_152, prompt_cache_miss_tokens: 64 },
    },
    read: { input: 1_216, cachedInput: 1_152, cacheWrite: 64, output: 540 },
  },
  {
    by: 'Moonshot',
    source: at('api.moonshot.ai', 'kimi-k2'),
    said: { prompt_tokens: 8_000, completion_tokens: 100, total_tokens: 8_100, cached_tokens: 7_000 },
    read: { input: 8_000, cachedInput: 7_000, cacheWrite: 1_000, output: 100 },
  },
  {
    by: 'a server with two names for one count, one of them left at 0',
    source: LOCAL,
    said: {
      ...{ prompt_tokens: 900, completion_tokens: 10, total_tokens: 910, prompt_tokens_details: { cached_tokens: 0 } },
      prompt_cache_hit_tokens: 800,
    },
    read: { input: 900, cachedInput: 0, cacheWrite: 900, output: 10 },
  },
  {
    by: 'a server without a total',
    source: LOCAL,
    said: { prompt_tokens: 26, completion_tokens: 298 },
    read: { input: 26, output: 298 },
  },
  {
    by: 'a server with a cost of which nobody knows the currency',
    source: LOCAL,
    said: { prompt_tokens: 26, completion_tokens: 298, total_tokens: 324, cost: 1.5 },
    read: { input: 26, output: 298, cost: null },
  },
]

const sound = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }

/** Usage that is no evidence, and a word of why. */
export const UNCLEAR: readonly (readonly [string, unknown, RegExp])[] = [
  ['is not an object', 'free', /expected object/],
  ['is empty', {}, /no prompt_tokens/],
  ['has no reply', { prompt_tokens: 100 }, /no completion_tokens/],
  ['has an empty prompt', { prompt_tokens: 0, completion_tokens: 20, total_tokens: 20 }, /no token of the prompt/],
  ['has fewer tokens than none', { ...sound, completion_tokens: -20 }, /^completion_tokens: /],
  ['has half a token', { ...sound, prompt_tokens: 100.5 }, /^prompt_tokens: /],
  ['has a word for a number', { ...sound, prompt_tokens: '100' }, /^prompt_tokens: /],
  ['has more tokens than any window', { ...sound, prompt_tokens: 1e12 }, /^prompt_tokens: /],
  ['has a smaller total', { ...sound, total_tokens: 119 }, /total_tokens is 119, and its parts are 100 and 20/],
  ['has a larger total', { ...sound, total_tokens: 121 }, /total_tokens is 121/],
  ['has a total of less than the prompt', { prompt_tokens: 100, total_tokens: 99 }, /total_tokens is 99/],
  [
    'has more from the cache than the prompt had',
    { ...sound, prompt_tokens_details: { cached_tokens: 101 } },
    /of 100 prompt tokens 101 were read/,
  ],
  [
    'has more written than is left',
    { ...sound, prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 50 } },
    /60 were read from a cache and 50 written/,
  ],
  [
    'counts the cache twice, and differently',
    { ...sound, prompt_tokens_details: { cached_tokens: 50 }, prompt_cache_hit_tokens: 40 },
    /twice, and differently/,
  ],
  [
    'has hits and misses that are not the prompt',
    { ...sound, prompt_cache_hit_tokens: 50, prompt_cache_miss_tokens: 40 },
    /prompt_tokens is 100, and hit or missed the cache have 90/,
  ],
  [
    'has more reasoning than reply',
    { ...sound, completion_tokens_details: { reasoning_tokens: 21 } },
    /of 20 generated tokens 21 are reasoning/,
  ],
  [
    'has reasoning and no total',
    { prompt_tokens: 100, completion_tokens: 20, completion_tokens_details: { reasoning_tokens: 5 } },
    /without total_tokens/,
  ],
  [
    "has Anthropic's counts beside OpenAI's and no total",
    { prompt_tokens: 16, completion_tokens: 20, cache_read_input_tokens: 9 },
    /without total_tokens/,
  ],
  ["is Anthropic's own without the cache", { input_tokens: 21, output_tokens: 393 }, /beside input_tokens/],
  [
    "is Anthropic's own without a reply",
    { input_tokens: 21, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
    /no output_tokens/,
  ],
  [
    "is Anthropic's own with another total",
    {
      input_tokens: 21,
      output_tokens: 9,
      cache_creation_input_tokens: 5,
      cache_read_input_tokens: 0,
      total_tokens: 30,
    },
    /total_tokens is 30, and its parts are 26 and 9/,
  ],
  [
    'counts the reply twice, and differently',
    { input_tokens: 21, output_tokens: 9, completion_tokens: 8, input_tokens_details: {} },
    /reply twice, and differently/,
  ],
  ['has a prompt of pictures', { ...sound, prompt_tokens_details: { image_tokens: 85 } }, /image tokens/],
  ['has a spoken reply', { ...sound, completion_tokens_details: { audio_tokens: 9 } }, /audio tokens/],
  ['has a cost below nothing', { ...sound, is_byok: false, cost: -0.1 }, /^cost: /],
  ['has a cost beyond all reason', { ...sound, cost_in_usd_ticks: 1e17 }, /^cost_in_usd_ticks: /],
]
