import { dearestPrices, type PriceTable } from '@bzzz/budget'
import type { NanoUsd, PeerId } from '@bzzz/protocols'
import { BYTES_PER_WINDOW_TOKEN, FRAME_BYTES } from './highest-cost.ts'

/** A seat of which the model's price is looked up. */
export interface PricedSeat {
  readonly home: PeerId
  readonly model: string
  /** Rules count a token for four bytes, models a token a byte. */
  readonly offline: boolean
}

interface FirstCalls {
  readonly seats: readonly PricedSeat[]
  readonly prices: PriceTable
  /** Of the question that shows the whole change. */
  readonly readingBytes: number
  readonly maxOutputTokens: number
}

/** What a cap has to hold for the first calls, in nano-dollars. */
export interface LeastCap {
  /** No seat's first call is held with less: below it a review never gets to its end. */
  readonly anyCall: NanoUsd
  /** The cap is split by seats; with so much, each can make a call from its own home's share. */
  readonly eachSeat: NanoUsd
}

const OFFLINE_BYTES_PER_TOKEN = 4

/** A model whose price this node does not know asks for nothing here; its home refuses the call, or knows the price. */
export function leastCap(calls: FirstCalls): LeastCap {
  const bounds = calls.seats.map((seat) => ({ home: seat.home, ...firstCall(seat, calls) }))
  const homes = Map.groupBy(bounds, ({ home }) => home)
  const dearestSeat = [...homes.values()].map((seats) => {
    const needed = seats.reduce((sum, { atMost }) => sum + atMost, 0n)
    return roundUp(needed, BigInt(seats.length))
  })
  return {
    anyCall: highest(bounds.map(({ atLeast }) => atLeast)),
    eachSeat: roundUpTo(SHOWN, highest(dearestSeat) * BigInt(bounds.length)),
  }
}

/** The dearest of the calls by which a seat reads the change; the one estimate leaves out what the other adds. */
function firstCall(
  { model, offline }: PricedSeat,
  { prices, readingBytes, maxOutputTokens }: FirstCalls,
): { atLeast: NanoUsd; atMost: NanoUsd } {
  const price = prices.prices.get(model)
  if (price === undefined) return { atLeast: 0n as NanoUsd, atMost: 0n as NanoUsd }
  const largest = ((price.window ?? Number.MAX_SAFE_INTEGER) - maxOutputTokens) * BYTES_PER_WINDOW_TOKEN
  const tokens = (bytes: number) => (offline ? Math.ceil(bytes / OFFLINE_BYTES_PER_TOKEN) : bytes)
  const cost = (prompt: number) => {
    const { input, output } = dearestPrices(price, prompt)
    return roundUp(BigInt(prompt) * input + BigInt(maxOutputTokens) * output, 1_000_000n)
  }
  // What does not fit is read by parts, of which any may be small.
  const least = readingBytes > largest ? 0 : readingBytes
  const most = Math.max(Math.min(readingBytes + FRAME_BYTES, largest), FRAME_BYTES)
  return { atLeast: cost(tokens(least)), atMost: cost(tokens(most)) }
}

/** Whoever types the amount that is shown has enough. */
const SHOWN = 100_000n

function roundUpTo(unit: bigint, amount: bigint): NanoUsd {
  return (roundUp(amount, unit) * unit) as NanoUsd
}

function roundUp(sum: bigint, by: bigint): NanoUsd {
  return ((sum + by - 1n) / by) as NanoUsd
}

function highest(amounts: readonly NanoUsd[]): NanoUsd {
  return amounts.reduce((most, amount) => (amount > most ? amount : most), 0n as NanoUsd)
}
