import { z } from 'zod'

/** Exactly `length` bytes. */
export function bytesOf(length: number): z.ZodType<Uint8Array<ArrayBuffer>> {
  return z.instanceof(Uint8Array).refine((value) => value.length === length, { message: `must be ${length} bytes` })
}

/** At most `max` bytes. */
export function bytesUpTo(max: number): z.ZodType<Uint8Array<ArrayBuffer>> {
  return z.instanceof(Uint8Array).refine((value) => value.length <= max, { message: `must be at most ${max} bytes` })
}

/** A whole number from 0 to 2^53 - 1. */
export const wholeNumber = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const wallMs = wholeNumber.describe('milliseconds since the epoch')

const MAX_NANO_USD = 2n ** 63n - 1n

/** Whole nano-dollars on the wire: a CBOR unsigned integer below 2^63 (about 9.2 thousand million dollars). */
export const nanoUsd = z
  .union([z.number().int().min(0).max(Number.MAX_SAFE_INTEGER), z.bigint().min(0n).max(MAX_NANO_USD)])
  .transform((value) => BigInt(value) as NanoUsd)

/** Whole nano-dollars in JSON: a decimal string, since JSON numbers lose precision above 2^53. */
export const nanoUsdText = z
  .string()
  // one check, not two: the second of two also sees what the first refused, and BigInt throws on it
  .refine((text) => /^(0|[1-9][0-9]{0,18})$/.test(text) && BigInt(text) <= MAX_NANO_USD, {
    message: 'not a whole number of nano-dollars below 2^63',
  })

/** Whole nano-dollars: 1 USD = 1_000_000_000n. Never negative. */
export type NanoUsd = bigint & { readonly unit: 'NanoUsd' }
