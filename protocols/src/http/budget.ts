import { z } from 'zod'
import { callId } from '../ids/ids.ts'
import { askedUsd, usd } from './money.ts'

/** The budget of the mesh as this node knows it, and what an operator may say about calls that went through it. */
const time = z.iso.datetime()

/** A call of this node that may have been billed, and nobody knows: its whole hold counts as spent. */
const uncertainCall = z.strictObject({
  /** Sent to the provider as `Idempotency-Key` and `X-Client-Request-Id`. */
  call: z.string(),
  turn: z.string(),
  thread: z.string().nullable(),
  agent: z.string(),
  model: z.string(),
  held_usd: usd,
  /** The request left right after. */
  reserved_at: time,
  /** What the provider called the request; null when it never said. */
  provider_request_id: z.string().nullable(),
  simulated: z.boolean(),
})
export type UncertainCallView = z.infer<typeof uncertainCall>

export const uncertainAnswer = z.strictObject({
  node_id: z.string(),
  /** Oldest first. */
  calls: z.array(uncertainCall),
  /** Of these. */
  held_usd: usd,
  /** There are further ones, which are told once some of these are settled. */
  more: z.boolean(),
})
export type UncertainAnswer = z.infer<typeof uncertainAnswer>

export const MAX_SETTLEMENTS = 1_000

/** Of dollars, exactly: a string keeps what a JSON number may round beyond 15 digits. */
export const statedCost = z.union([
  askedUsd,
  z
    .string()
    .regex(/^\d{1,7}(\.\d{1,9})?$/, 'dollars like "0.0123"')
    .refine((text) => Number(text) <= 1_000_000, { message: 'at most a million dollars' }),
])

export const newSettlements = z.strictObject({
  settlements: z
    .array(z.strictObject({ call: callId, cost_usd: statedCost }))
    .min(1)
    .max(MAX_SETTLEMENTS),
})

const settlement = z.strictObject({
  call: z.string(),
  /** `repeated`: it was settled at this very amount by such a word before. `refused`: nothing has changed. */
  status: z.enum(['settled', 'repeated', 'refused']),
  /** Null unless it was refused. */
  code: z.enum(['unknown', 'in-flight', 'settled', 'released']).nullable(),
  reason: z.string().nullable(),
  cost_usd: usd,
  /** What counted for the call before; null for one that this node does not know. */
  before_usd: usd.nullable(),
})
export type SettlementView = z.infer<typeof settlement>

export const settlementsAnswer = z.strictObject({
  /** In the order of the request. */
  results: z.array(settlement),
  settled: z.number().int(),
  repeated: z.number().int(),
  refused: z.number().int(),
  /** Held for those that were settled now. */
  held_usd: usd,
  /** Booked for them in its place. */
  cost_usd: usd,
})
export type SettlementsAnswer = z.infer<typeof settlementsAnswer>
