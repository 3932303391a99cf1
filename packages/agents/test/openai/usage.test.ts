import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readUsage } from '../../src/openai/usage.ts'
import { UNCLEAR, USAGES } from './usages.ts'

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
