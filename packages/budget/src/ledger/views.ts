import { decodeCanonical, encodeCanonical, incarnation, nanoUsd, period, threadId } from '@bzzz/protocols'
import type { Operation } from '@bzzz/store'
import { z } from 'zod'
import type { Balance } from '../books/balance.ts'
import type { CostRow } from '../books/costs.ts'

/** What is derived from the ledger and kept beside it. It never leaves the node and may be made again from `l/`. */
const MAX_VIEW_BYTES = 4_096

const count = z.number().int().min(0)
const balanceView = z.strictObject({
  period,
  initial: nanoUsd,
  manifestVersion: count,
  reserved: nanoUsd,
  released: nanoUsd,
  overrun: nanoUsd,
  spent: nanoUsd,
})
const costView = z.strictObject({
  day: period,
  agent: z.string(),
  thread: threadId.nullable(),
  model: z.string(),
  simulated: z.boolean(),
  calls: count,
  spent: nanoUsd,
  unproven: nanoUsd,
  held: nanoUsd,
  inputTokens: count,
  outputTokens: count,
})
const meta = z.strictObject({
  /** How often the ledger was opened, and a number drawn at the last time. */
  boot: z.strictObject({ counter: count, nonce: incarnation }),
  /** Of the newest slot. */
  slotSeq: count,
})
export type Meta = z.infer<typeof meta>

export function decodeBalance(bytes: Uint8Array): Balance {
  return decodeCanonical(bytes, balanceView, MAX_VIEW_BYTES)
}

export function decodeCost(bytes: Uint8Array): CostRow {
  return decodeCanonical(bytes, costView, MAX_VIEW_BYTES)
}

export function decodeMeta(bytes: Uint8Array): Meta {
  return decodeCanonical(bytes, meta, MAX_VIEW_BYTES)
}

export function putView(key: string, view: Balance | CostRow | Meta): Operation {
  return { put: key, value: encodeCanonical(view) }
}
