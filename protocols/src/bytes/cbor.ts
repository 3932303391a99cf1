import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import type { z } from 'zod'
import { ProtocolError } from './errors.ts'
import { NOT_PLAIN, readPlain } from './plain.ts'
import { writePlain } from './plain-writer.ts'

/** Deterministic CBOR (RFC 8949 §4.2.1): shortest integers, sorted keys, definite lengths. Drops `undefined` members. */
export function encodeCanonical(value: unknown): Uint8Array {
  const plain = writePlain(value)
  return plain === NOT_PLAIN ? encodeAny(value) : plain
}

/** Whatever CBOR can hold; slower. */
export function encodeAny(value: unknown): Uint8Array {
  return encode(holdsUndefined(value) ? withoutUndefined(value) : value, rfc8949EncodeOptions)
}

/**
 * The one way in for CBOR from outside: size, then strict decoding, then the deterministic form, then the shape.
 * A value has exactly one byte string, so hashes and signatures are of the value itself.
 * @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL or BAD_SHAPE
 */
export function decodeCanonical<S extends z.ZodType>(bytes: Uint8Array, schema: S, maxBytes: number): z.output<S> {
  if (bytes.length > maxBytes) throw tooLarge(bytes.length, maxBytes)
  const plain = readPlain(bytes)
  return shaped(plain === NOT_PLAIN ? readAny(bytes) : plain, schema)
}

/** Whatever CBOR there is, or why it is none. */
function readAny(bytes: Uint8Array): unknown {
  const { value, encoded } = decodeStrict(bytes)
  if (equalBytes(encoded, bytes)) return value
  throw new ProtocolError('NOT_CANONICAL', 'not in the deterministic form of RFC 8949 §4.2.1')
}

/** @throws {ProtocolError} BAD_SHAPE */
export function shaped<S extends z.ZodType>(value: unknown, schema: S): z.output<S> {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new ProtocolError('BAD_SHAPE', firstIssue(parsed.error), { cause: parsed.error })
  return parsed.data
}

export function tooLarge(bytes: number, maxBytes: number): ProtocolError {
  return new ProtocolError('TOO_LARGE', `${bytes} bytes, at most ${maxBytes}`)
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0
}

/** Both ways in one `try`: arrays nested by the thousand exhaust the stack in either. */
function decodeStrict(bytes: Uint8Array): { value: unknown; encoded: Uint8Array } {
  try {
    const value: unknown = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      rejectDuplicateMapKeys: true,
      allowBigInt: true,
    })
    return { value, encoded: encode(value, rfc8949EncodeOptions) }
  } catch (cause) {
    throw new ProtocolError('NOT_CANONICAL', 'not strict CBOR', { cause })
  }
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  return issue === undefined ? 'wrong shape' : `${issue.path.join('.') || 'value'}: ${issue.message}`
}

function holdsUndefined(value: unknown): boolean {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value === undefined
  for (const member of Object.values(value)) if (holdsUndefined(member)) return true
  return false
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) => [key, withoutUndefined(member)]),
  )
}
