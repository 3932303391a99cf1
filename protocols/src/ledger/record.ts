import { z } from 'zod'
import { MAX_ACK_BYTES } from '../ack/ack.ts'
import { decodeCanonical, encodeCanonical, shaped, tooLarge } from '../bytes/cbor.ts'
import { bytesOf, bytesUpTo, nanoUsd, wallMs, wholeNumber } from '../bytes/shapes.ts'
import { sha256 } from '../bytes/signing.ts'
import { MAX_FORK_PROOF_BYTES } from '../fork/fork.ts'
import { MAX_GRANT_BYTES } from '../grant/grant.ts'
import { account, agentName, callId, incarnation, threadId, turnId } from '../ids/ids.ts'
import { period } from '../ids/periods.ts'
import { MAX_MANIFEST_BYTES } from '../manifest/manifest.ts'

/** The node's own append-only record of money, hash-chained. It stays on the node; its sums leave as slots. See spec.md. */
export const MAX_LEDGER_RECORD_BYTES = 1024 * 1024
/** UTF-8 bytes of a model's reply, which the settled record keeps so that a crash after paying loses neither. */
export const MAX_REPLY_BYTES = 512 * 1024

const reply = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= MAX_REPLY_BYTES, { message: `must be at most ${MAX_REPLY_BYTES} bytes` })

const tokens = z
  .strictObject({
    /** All prompt tokens: fresh, read from the provider's cache, and written to it. */
    input: wholeNumber,
    /** Read from the cache. */
    cachedInput: wholeNumber,
    /** Written to the cache; all that were not read, where the provider does not say. */
    cacheWrite: wholeNumber,
    /** All generated tokens, reasoning included. */
    output: wholeNumber,
    reasoning: wholeNumber,
    /** What the provider itself says that it charged; null when it does not say. */
    cost: nanoUsd.nullable(),
  })
  .refine(({ input, cachedInput, cacheWrite }) => cachedInput + cacheWrite <= input, {
    message: 'no more prompt tokens are read and written than there are',
  })
  .refine(({ output, reasoning }) => reasoning <= output, { message: 'reasoning is part of the output' })
export type TokenUsage = z.infer<typeof tokens>

/** Nano-dollars per million tokens. */
const unitPrices = {
  input: nanoUsd,
  cachedInput: nanoUsd,
  cacheWrite: nanoUsd,
  output: nanoUsd,
}

export const MAX_PRICE_TIERS = 8

/** Which price a call was admitted at, and is settled at. */
const priceRef = z.strictObject({
  model: z.string().max(100),
  ...unitPrices,
  /** For the whole of a request with more prompt tokens than `above`; ascending. */
  tiers: z
    .array(z.strictObject({ above: wholeNumber, ...unitPrices }))
    .max(MAX_PRICE_TIERS)
    .refine((tiers) => tiers.every(({ above }, index) => index === 0 || above > (tiers[index - 1]?.above ?? 0)), {
      message: 'each tier is above the one before',
    }),
  /** SHA-256 of the price table. */
  table: bytesOf(32),
  /** Not real money: the offline provider's prices. */
  simulated: z.boolean(),
})
export type PriceRef = z.infer<typeof priceRef>

const event = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('created'), incarnation }),
  z.strictObject({ kind: z.literal('booted'), counter: wholeNumber, nonce: incarnation }),
  /** Rights with which a period began here: written once, never recomputed. */
  z.strictObject({ kind: z.literal('opened'), period, initial: nanoUsd, manifestVersion: wholeNumber }),
  /** Rights that the manifest gives in one period besides; once per id. */
  z.strictObject({ kind: z.literal('minted'), period, id: incarnation, amount: nanoUsd, manifestVersion: wholeNumber }),
  /** Rights given away: `amount` is what this grant adds to those before it. It leaves once this record is synced. */
  z.strictObject({ kind: z.literal('granted'), period, amount: nanoUsd, grant: bytesUpTo(MAX_GRANT_BYTES) }),
  /** Rights received: `amount` is what this grant adds to those before it. */
  z.strictObject({ kind: z.literal('credited'), period, amount: nanoUsd, grant: bytesUpTo(MAX_GRANT_BYTES) }),
  /**
   * Periods are opened by this version of the manifest from here on. With the signed manifest, so that the ledger alone tells
   * what each period was opened by; `ack` is what the owner is told of it. It leaves once this record is synced.
   */
  z.strictObject({
    kind: z.literal('acked'),
    version: wholeNumber.min(1),
    manifest: bytesUpTo(MAX_MANIFEST_BYTES),
    ack: bytesUpTo(MAX_ACK_BYTES),
  }),
  /** Proof that an account signed two things under one number; nothing more is credited from it. May be the own one. */
  z.strictObject({ kind: z.literal('forked'), account, proof: bytesUpTo(MAX_FORK_PROOF_BYTES) }),
  z.strictObject({
    kind: z.literal('reserved'),
    call: callId,
    turn: turnId,
    step: wholeNumber,
    attempt: wholeNumber,
    thread: threadId.nullable(),
    agent: agentName,
    /** All that the call is charged to. The first is the day under which its cost is listed. */
    periods: z.array(period).min(1).max(16),
    max: nanoUsd,
    price: priceRef,
  }),
  z.strictObject({ kind: z.literal('sent'), call: callId }),
  /** `amount` is the cost; `reply` is what the call answered, null when it was too long to keep. From `sent` or `uncertain`. */
  z.strictObject({
    kind: z.literal('settled'),
    call: callId,
    amount: nanoUsd,
    usage: tokens.nullable(),
    reply: reply.nullable(),
    /**
     * How the amount is known: by the provider's usage; or it is the whole hold, because no usage came (`none`) or one that
     * contradicts itself (`unclear`); or by an operator's word.
     */
    evidence: z.enum(['usage', 'none', 'unclear', 'operator']),
    providerRequestId: z.string().max(200).nullable(),
  }),
  /** It may have been billed. `providerRequestId`: what the provider called the request, if it said so before it was lost. */
  z.strictObject({
    kind: z.literal('uncertain'),
    call: callId,
    reason: z.string().max(500),
    providerRequestId: z.string().max(200).nullable(),
  }),
  /** Only a call that was never sent. */
  z.strictObject({ kind: z.literal('released'), call: callId, reason: z.string().max(500) }),
])
export type LedgerEvent = z.infer<typeof event>

const ledgerRecord = z.strictObject({
  v: z.literal(1),
  /** From 1, without gaps. */
  seq: wholeNumber.min(1),
  /** Hash of the record before; 32 zero bytes for the first. */
  prev: bytesOf(32),
  atMs: wallMs,
  event,
})
export type LedgerRecord = z.infer<typeof ledgerRecord>

/** @throws {ProtocolError} BAD_SHAPE or TOO_LARGE for what could not be read back */
export function encodeLedgerRecord(record: LedgerRecord): Uint8Array {
  const bytes = encodeCanonical(shaped(record, ledgerRecord))
  if (bytes.length > MAX_LEDGER_RECORD_BYTES) throw tooLarge(bytes.length, MAX_LEDGER_RECORD_BYTES)
  return bytes
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL or BAD_SHAPE */
export function decodeLedgerRecord(bytes: Uint8Array): LedgerRecord {
  return decodeCanonical(bytes, ledgerRecord, MAX_LEDGER_RECORD_BYTES)
}

export function ledgerRecordHash(bytes: Uint8Array): Uint8Array {
  return sha256('bzzz/ledger-record/1\0', bytes)
}
