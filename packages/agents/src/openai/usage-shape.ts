import { z } from 'zod'

// Above every window, and far below where sums of counts or costs in nano-dollars lose digits.
const MAX_TOKENS = 1_000_000_000
const MAX_USD = 1_000_000

const count = z.number().int().min(0).max(MAX_TOKENS).nullish()
const usd = z.number().min(0).max(MAX_USD).nullish()

/**
 * What servers say of a call's tokens, every field as each of them names it: OpenAI and those that follow it, with the
 * additions of DeepSeek (`prompt_cache_…`), Moonshot (`cached_tokens`), LiteLLM (Anthropic's names beside OpenAI's),
 * OpenRouter (`cost`) and xAI (`cost_in_usd_ticks`); Anthropic's own (`input_tokens` and `cache_…`); OpenAI's Responses
 * (`input_tokens_details`). What is not listed prices nothing, and is passed over.
 */
export const usageShape = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: z
    .object({
      cached_tokens: count,
      cache_write_tokens: count,
      cache_creation_tokens: count,
      audio_tokens: count,
      image_tokens: count,
      video_tokens: count,
    })
    .nullish(),
  completion_tokens_details: z.object({ reasoning_tokens: count, audio_tokens: count, image_tokens: count }).nullish(),
  prompt_cache_hit_tokens: count,
  prompt_cache_miss_tokens: count,
  cached_tokens: count,
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  input_tokens_details: z.object({ cached_tokens: count, cache_write_tokens: count }).nullish(),
  output_tokens_details: z.object({ reasoning_tokens: count }).nullish(),
  cost: z.unknown().optional(),
  is_byok: z.boolean().nullish(),
  cost_details: z.object({ upstream_inference_cost: usd }).nullish(),
  cost_in_usd_ticks: z
    .number()
    .min(0)
    .max(MAX_USD * 1e10)
    .nullish(),
})
export type StatedUsage = z.infer<typeof usageShape>

/** In dollars. */
export const statedUsd = z.number().min(0).max(MAX_USD)
