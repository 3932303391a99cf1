import { dearestPrices, type Price, type PriceTable } from '@bzzz/budget'
import type { NanoUsd } from '@bzzz/protocols'

interface Bounds {
  /** One per seat. */
  readonly models: readonly string[]
  readonly prices: PriceTable
  /** Of the encoded change set. */
  readonly changeBytes: number
  readonly files: number
  readonly rounds: number
  readonly maxOutputTokens: number
  readonly attempts: number
}

/** Instructions, roles, schema and framing of one request. */
export const FRAME_BYTES = 8 * 1024
/** Words of a reply that later prompts show again. */
const BYTES_PER_REPLY_TOKEN = 8
/** Discussion, proposal and vote. */
const CALLS_A_ROUND = 3
/** Turns take a prompt to fit a window at so many bytes a token; each byte is held as one token. */
export const BYTES_PER_WINDOW_TOKEN = 2

/**
 * What a review could cost if every seat used every call, attempt and token: all rounds, prompts as large as the model's
 * window lets them become, a token a byte at the dearest price that so long a prompt can have. A model whose price this node does not know adds nothing; its home refuses such
 * calls, or holds them at the price it knows.
 * @returns nano-dollars
 */
export function highestCost(bounds: Bounds): NanoUsd {
  const total = bounds.models.reduce((sum, model) => sum + seatCost(bounds.prices.prices.get(model), bounds), 0n)
  return ((total + 999_999n) / 1_000_000n) as NanoUsd
}

/** In millionths of a nano-dollar: prices are for a million tokens. */
function seatCost(price: Price | undefined, bounds: Bounds): bigint {
  if (price === undefined) return 0n
  const { models, changeBytes, files, rounds, maxOutputTokens, attempts } = bounds
  const largest = Math.max(
    ((price.window ?? Number.MAX_SAFE_INTEGER) - maxOutputTokens) * BYTES_PER_WINDOW_TOKEN,
    FRAME_BYTES,
  )
  const change = changeBytes + FRAME_BYTES
  // File by file, and a file that is too large by halves of its lines: no piece but the last of a file is under half full.
  const readings = change <= largest ? 1 : files + Math.ceil((2 * change) / largest)
  const said = models.length * (1 + CALLS_A_ROUND * rounds) * maxOutputTokens * BYTES_PER_REPLY_TOKEN
  const answers = CALLS_A_ROUND * rounds
  const longest = Math.min(change + said, largest)
  const prompts = change + (readings - 1) * FRAME_BYTES + answers * longest
  const replies = (readings + answers) * maxOutputTokens
  const dearest = dearestPrices(price, longest)
  return BigInt(attempts) * (BigInt(prompts) * dearest.input + BigInt(replies) * dearest.output)
}
