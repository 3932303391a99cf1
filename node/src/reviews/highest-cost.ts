import type { PriceTable } from '@bzzz/budget'
import type { NanoUsd } from '@bzzz/protocols'

interface Bounds {
  /** One per seat. */
  readonly models: readonly string[]
  readonly prices: PriceTable
  /** Of the encoded change set. */
  readonly changeBytes: number
  readonly rounds: number
  readonly maxOutputTokens: number
  readonly attempts: number
}

/** Instructions, roles, schema and framing of one request. */
const FRAME_TOKENS = 16 * 1024
/** Words of a reply that later prompts show again. */
const BYTES_PER_REPLY_TOKEN = 8
/** Discussion, proposal and vote. */
const CALLS_A_ROUND = 3

/**
 * What a review could cost if every seat used every call, attempt and token: all rounds, a token a byte. A model whose
 * price this node does not know adds nothing; its home refuses such calls, or holds them at the price it knows.
 * @returns nano-dollars
 */
export function highestCost({ models, prices, changeBytes, rounds, maxOutputTokens, attempts }: Bounds): NanoUsd {
  const said = models.length * (1 + CALLS_A_ROUND * rounds) * maxOutputTokens * BYTES_PER_REPLY_TOKEN
  const prompt = BigInt(changeBytes + FRAME_TOKENS + said)
  const calls = BigInt((1 + CALLS_A_ROUND * rounds) * attempts)
  const perSeat = models.map((model) => {
    const price = prices.prices.get(model)
    return price === undefined ? 0n : calls * (prompt * price.input + BigInt(maxOutputTokens) * price.output)
  })
  const total = perSeat.reduce((sum, cost) => sum + cost, 0n)
  return ((total + 999_999n) / 1_000_000n) as NanoUsd
}
