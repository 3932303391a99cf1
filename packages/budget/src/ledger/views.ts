import { decodeCanonical, encodeCanonical, incarnation, nanoUsd, type Period, period, threadId } from '@bzzz/protocols'
import type { Operation } from '@bzzz/store'
import { z } from 'zod'
import type { Balance } from '../books/balance.ts'
import type { CostRow } from '../books/costs.ts'
import { NO_TRANSFERS, type Transfers, transferGiven, transferTaken } from '../books/transfers.ts'
import { balanceKey, transfersKey } from './keys.ts'

/** What is derived from the ledger and kept beside it. It never leaves the node and may be made again from `l/`. */
const MAX_VIEW_BYTES = 4_096
/** Two lists of at most 256 grants, about 500 bytes each, and as many ids. */
const MAX_TRANSFERS_BYTES = 1024 * 1024

const count = z.number().int().min(0)
const balanceView = z.strictObject({
  period,
  initial: nanoUsd,
  manifestVersion: count,
  minted: nanoUsd,
  granted: nanoUsd,
  received: nanoUsd,
  reserved: nanoUsd,
  released: nanoUsd,
  overrun: nanoUsd,
  spent: nanoUsd,
})
const grants = z.array(z.instanceof(Uint8Array))
const transfersView = z.strictObject({ given: grants, taken: grants, mints: z.array(incarnation) })
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
  /** Of the newest thing that was signed: slots, grants and acks share it. */
  signedSeq: count,
})
export type Meta = z.infer<typeof meta>

/** @param transfers of the same period; undefined when nothing moved */
export function decodeBalance(bytes: Uint8Array, transfers: Uint8Array | undefined): Balance {
  const balance = decodeCanonical(bytes, balanceView, MAX_VIEW_BYTES)
  return { ...balance, transfers: transfers === undefined ? NO_TRANSFERS : decodeTransfers(transfers) }
}

function decodeTransfers(bytes: Uint8Array): Transfers {
  const { given, taken, mints } = decodeCanonical(bytes, transfersView, MAX_TRANSFERS_BYTES)
  return { given: given.map((grant) => transferGiven(grant)), taken: taken.map((grant) => transferTaken(grant)), mints }
}

export function decodeCost(bytes: Uint8Array): CostRow {
  return decodeCanonical(bytes, costView, MAX_VIEW_BYTES)
}

export function decodeMeta(bytes: Uint8Array): Meta {
  return decodeCanonical(bytes, meta, MAX_VIEW_BYTES)
}

export function putView(key: string, view: CostRow | Meta): Operation {
  return { put: key, value: encodeCanonical(view) }
}

export function putBalance({ transfers: _, ...balance }: Balance): Operation {
  return { put: balanceKey(balance.period), value: encodeCanonical(balance) }
}

export function putTransfers(of: Period, { given, taken, mints }: Transfers): Operation {
  const grantOf = ({ grant }: { grant: Uint8Array }): Uint8Array => grant
  const view = { given: given.map(grantOf), taken: taken.map(grantOf), mints }
  return { put: transfersKey(of), value: encodeCanonical(view) }
}
