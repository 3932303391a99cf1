import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readUsage, type UsageSource } from '../../src/openai/usage.ts'
import { UNCLEAR, USAGES } from './usages.ts'

/** What a provider did and bills. */
interface Happened {
  readonly fresh: number
  readonly read: number
  readonly written: number
  readonly visible: number
  readonly reasoning: number
}
const tokens = fc.nat(300_000)
const happened = fc.record({
  fresh: tokens.map((count) => count + 1),
  read: tokens,
  written: tokens,
  visible: tokens,
  reasoning: tokens,
})
const promptOf = ({ fresh, read, written }: Happened) => fresh + read + written
const sums = (prompt: number, completion: number, total = prompt + completion) => {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total }
}
const openAi = (truth: Happened) => sums(promptOf(truth), truth.visible + truth.reasoning)
const at = (host: string, model = 'm') => ({ host, model })

/** The same call in the words of each. Where a provider cannot tell a part, it stays untold. */
const SHAPES: readonly { by: string; source: UsageSource; say: (truth: Happened) => object }[] = [
  { by: 'no details', source: at('127.0.0.1'), say: openAi },
  {
    by: 'OpenAI',
    source: at('api.openai.com'),
    say: (truth) => ({
      ...openAi(truth),
      prompt_tokens_details: { cached_tokens: truth.read, cache_write_tokens: truth.written },
      completion_tokens_details: { reasoning_tokens: truth.reasoning },
    }),
  },
  {
    by: 'OpenRouter, without its writes',
    source: at('openrouter.ai'),
    say: (truth) => ({ ...openAi(truth), prompt_tokens_details: { cached_tokens: truth.read } }),
  },
  {
    by: 'DeepSeek',
    source: at('api.deepseek.com'),
    say: (truth) => ({
      ...openAi(truth),
      ...{ prompt_cache_hit_tokens: truth.read, prompt_cache_miss_tokens: truth.fresh + truth.written },
    }),
  },
  {
    by: 'LiteLLM',
    source: at('127.0.0.1'),
    say: (truth) => ({
      ...openAi(truth),
      prompt_tokens_details: { cached_tokens: truth.read, cache_creation_tokens: truth.written },
      ...{ cache_read_input_tokens: truth.read, cache_creation_input_tokens: truth.written },
    }),
  },
  {
    by: "Anthropic's own",
    source: at('gateway.example'),
    say: ({ fresh, read, written, visible, reasoning }) => ({
      ...{ input_tokens: fresh, output_tokens: visible + reasoning },
      ...{ cache_read_input_tokens: read, cache_creation_input_tokens: written },
    }),
  },
  {
    by: 'a gateway with the counts of both',
    source: at('gateway.example'),
    say: ({ fresh, read, written, visible, reasoning }) => ({
      ...sums(fresh, visible + reasoning, fresh + read + written + visible + reasoning),
      ...{ cache_read_input_tokens: read, cache_creation_input_tokens: written },
    }),
  },
  {
    by: 'xAI',
    source: at('api.x.ai'),
    say: (truth) => ({
      ...sums(promptOf(truth), truth.visible, promptOf(truth) + truth.visible + truth.reasoning),
      ...{ prompt_tokens_details: { cached_tokens: truth.read } },
      completion_tokens_details: { reasoning_tokens: truth.reasoning },
    }),
  },
  {
    by: 'Gemini',
    source: at('generativelanguage.googleapis.com'),
    say: (truth) => sums(promptOf(truth), truth.visible, promptOf(truth) + truth.visible + truth.reasoning),
  },
]

const LOCAL = { host: '127.0.0.1', model: 'qwen3' }

describe('the usage that a server tells', () => {
  it.each(USAGES)('is read as it is billed: $by', ({ source, said, read }) => {
    const { usage, unclear } = readUsage(said, source)
    expect(unclear).toBeNull()
    expect(usage).toMatchObject(read)
  })

  it.each([null, undefined])('may be %s', (said) => {
    expect(readUsage(said, LOCAL)).toEqual({ usage: null, unclear: null })
  })

  it.each(UNCLEAR)('is no evidence when it %s', (_, said, words) => {
    expect(readUsage(said, LOCAL)).toEqual({ usage: null, unclear: expect.stringMatching(words) })
  })

  it.each(SHAPES)('is never read as less than what happened: $by', ({ source, say }) => {
    fc.assert(
      fc.property(happened, (truth) => {
        const { usage, unclear } = readUsage(say(truth), source)
        expect(unclear).toBeNull()
        expect(usage).toMatchObject({
          input: truth.fresh + truth.read + truth.written,
          output: truth.visible + truth.reasoning,
        })
        // Whatever is not told was not read from the cache, and may have been written to it.
        expect(usage?.cachedInput).toBeLessThanOrEqual(truth.read)
        expect(usage?.cacheWrite).toBeGreaterThanOrEqual(truth.written)
      }),
    )
  })

  it('never becomes counts that cannot be, whatever it says', () => {
    const names = [
      ...['prompt_tokens', 'completion_tokens', 'total_tokens', 'input_tokens', 'output_tokens', 'cached_tokens'],
      ...['cache_creation_input_tokens', 'cache_read_input_tokens', 'prompt_cache_hit_tokens', 'cost', 'is_byok'],
      ...['prompt_cache_miss_tokens', 'cost_in_usd_ticks'],
    ]
    const value = fc.oneof(fc.nat(30), fc.constantFrom(null, -1, 0.5, '7', true, 2 ** 53), fc.constant(undefined))
    const details = fc.record(
      { cached_tokens: value, cache_write_tokens: value, reasoning_tokens: value },
      { requiredKeys: [] },
    )
    const said = fc.record(
      {
        ...Object.fromEntries(names.map((name) => [name, value])),
        ...{ prompt_tokens_details: fc.option(details), completion_tokens_details: fc.option(details) },
        ...{ input_tokens_details: fc.option(details) },
      },
      { requiredKeys: [] },
    )
    const source = fc.constantFrom(LOCAL, { host: 'generativelanguage.googleapis.com', model: 'gemini-2.5-pro' })
    fc.assert(
      fc.property(said, source, (usage, source) => {
        const { usage: read } = readUsage(usage, source)
        if (read === null) return
        const { input, cachedInput, cacheWrite, output, reasoning, cost } = read
        expect(
          [input, cachedInput, cacheWrite, output, reasoning].every(
            (count) => Number.isSafeInteger(count) && count >= 0,
          ),
        ).toBe(true)
        expect(cachedInput + cacheWrite).toBeLessThanOrEqual(input)
        expect(reasoning).toBeLessThanOrEqual(output)
        expect(input).toBeGreaterThan(0)
        expect(cost === null || cost >= 0n).toBe(true)
        // Nothing that the server counted is left out of what is billed.
        const { total_tokens: total, completion_tokens: completion } = usage as Record<string, number | null>
        expect(input + output).toBeGreaterThanOrEqual(Math.max(Number(total ?? 0), Number(completion ?? 0)))
      }),
      { numRuns: 3_000 },
    )
  })
})
