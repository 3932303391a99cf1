import { decode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { decodeCanonical, encodeAny, encodeCanonical } from '../src/bytes/cbor.ts'
import { ProtocolError } from '../src/bytes/errors.ts'
import { NOT_PLAIN, readPlain } from '../src/bytes/plain.ts'
import { writePlain } from '../src/bytes/plain-writer.ts'
import { nanoUsd, nanoUsdText } from '../src/bytes/shapes.ts'
import { openSigned, type SignatureDomain, sealSigned, signedMessage, verifySignature } from '../src/bytes/signing.ts'
import { golden, hex, mesh, otherMesh, signerOf, unhex } from './keys.ts'

const anything = z.unknown()
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    fc.string(),
    fc.uint8Array(),
    fc.array(tie('any')),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('any'),
      { noNullPrototype: true },
    ),
  ),
})).any

/** @returns the decoded value, or undefined if the bytes were refused with a protocol error; any other error is thrown */
function tryDecode(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: decodeCanonical(bytes, anything, 2 ** 20) }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

describe('deterministic CBOR', () => {
  test('has the bytes of its spec', () => {
    const { map, ...rest } = golden('bytes')
    expect(hex(encodeCanonical({ bb: 1, a: [true, null, 'ü'], c: new Uint8Array([1, 2]), gone: undefined }))).toBe(map)
    for (const [name, bytes] of Object.entries(rest).filter(([name]) => name.startsWith('refused'))) {
      expect(tryDecode(unhex(bytes)), name).toBeUndefined()
    }
  })

  test('gives back what went in', () => {
    fc.assert(
      fc.property(value, (any) => {
        expect(tryDecode(encodeCanonical(any))).toEqual({ value: any })
      }),
    )
  })

  test('has one byte string per value: what decodes encodes to the same bytes', () => {
    const flipped = fc.tuple(value, fc.nat(), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(flipped, ([any, at, by]) => {
        const bytes = Uint8Array.from(encodeCanonical(any))
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ by
        const decoded = tryDecode(bytes)
        if (decoded !== undefined) expect(hex(encodeCanonical(decoded.value))).toBe(hex(bytes))
      }),
    )
  })

  test('is read alike with and without encoding it again, whatever was altered', () => {
    const numbers = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }))
    const altered = fc.tuple(fc.oneof(value, numbers, fc.array(numbers)), fc.nat(), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(altered, ([any, at, by]) => {
        const bytes = Uint8Array.from(encodeCanonical(any))
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ by
        const plain = readPlain(bytes)
        if (plain === NOT_PLAIN) return
        expect(decode(bytes, { strict: true, rejectDuplicateMapKeys: true })).toEqual(plain)
        expect(hex(encodeCanonical(plain))).toBe(hex(bytes))
      }),
      { numRuns: 2_000 },
    )
  })

  test('of plain formats is read without encoding it again', () => {
    fc.assert(fc.property(value, (any) => void expect(readPlain(encodeCanonical(any))).not.toBe(NOT_PLAIN)))
    for (const bytes of ['a2616201616102', 'a2616101616102', '1801', 'f97e00', '7f616161ff', '61ff', '8101ff', 'c100'])
      expect(readPlain(unhex(bytes)), bytes).toBe(NOT_PLAIN)
  })

  test('is written alike by both writers, whatever the value', () => {
    const rare = fc.oneof(
      fc.constantFrom<unknown>(
        undefined,
        Number.NaN,
        0.5,
        -0,
        2 ** 53,
        -(2 ** 60),
        '\ud800',
        'ü'.repeat(40),
        new Map([[1, 2]]),
      ),
      fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.integer({ min: 0, max: 2 ** 33 }),
    )
    const any = fc.oneof(value, fc.array(rare), fc.dictionary(fc.oneof(fc.string(), fc.constant('ü')), rare))
    const written = (write: (value: unknown) => Uint8Array, of: unknown): string => {
      try {
        return hex(write(of))
      } catch (error) {
        return `refused: ${String(error)}`
      }
    }
    fc.assert(
      fc.property(any, (of) => void expect(written(encodeCanonical, of)).toBe(written(encodeAny, of))),
      { numRuns: 2_000 },
    )
    const long = Array.from({ length: 3_000 }, (_, index) => ({
      [`key ${index}`]: 2 ** (index % 50),
      b: new Uint8Array(index),
    }))
    expect(hex(encodeCanonical(long))).toBe(hex(encodeAny(long)))
  })

  test('of plain formats is written without the general encoder', () => {
    const ascii = fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      value,
    )
    fc.assert(fc.property(ascii, (any) => void expect(writePlain(any)).not.toBe(NOT_PLAIN)))
  })

  test('never fails in any other way than by a protocol error, not even nested by the thousand', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void tryDecode(bytes)))
    for (const depth of [1_000, 3_000, 4_000, 100_000])
      tryDecode(Buffer.concat([Buffer.alloc(depth, 0x81), Buffer.of(0)]))
  })

  test('refuses more bytes than allowed before reading them', () => {
    expect(() => decodeCanonical(new Uint8Array(11), anything, 10)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})

describe('money', () => {
  test('is a whole number of nano-dollars below 2^63, as text without a leading zero', () => {
    expect(nanoUsd.parse(5)).toBe(5n)
    expect(nanoUsd.parse(2n ** 63n - 1n)).toBe(2n ** 63n - 1n)
    for (const bad of [-1, 0.5, 2n ** 63n, -1n, '5']) expect(nanoUsd.safeParse(bad).success).toBe(false)
    for (const bad of ['', '01', '-1', '1.0', '9223372036854775808'])
      expect(nanoUsdText.safeParse(bad).success).toBe(false)
    expect(nanoUsdText.parse('9223372036854775807')).toBe('9223372036854775807')
  })
})

describe('signatures', () => {
  const domains: SignatureDomain[] = ['envelope', 'manifest', 'slot', 'card']
  const signer = signerOf(1)
  const shape = z.strictObject({ n: z.number() })
  const open = (domain: SignatureDomain, at: typeof mesh, bytes: Uint8Array, publicKey = signer.publicKey) =>
    openSigned(domain, bytes, shape, 1024, () => ({ mesh: at, publicKey }))

  test('have the bytes of their spec', () => {
    expect(hex(signedMessage('slot', mesh, unhex('0102')))).toBe(golden('bytes').message)
    expect(hex(sealSigned('slot', mesh, encodeCanonical({ n: 1 }), signer))).toBe(golden('bytes').sealed)
  })

  test('of one domain or mesh never stand for another', () => {
    fc.assert(
      fc.property(fc.constantFrom(...domains), fc.constantFrom(...domains), fc.boolean(), (made, read, sameMesh) => {
        const bytes = sealSigned(made, mesh, encodeCanonical({ n: 1 }), signer)
        const opening = () => open(read, sameMesh ? mesh : otherMesh, bytes)
        if (made === read && sameMesh) expect(opening()).toEqual({ n: 1 })
        else expect(opening).toThrow(expect.objectContaining({ code: 'BAD_SIGNATURE' }))
      }),
    )
  })

  test('fail for another key, another body and any flipped byte', () => {
    const bytes = sealSigned('card', mesh, encodeCanonical({ n: 1 }), signer)
    expect(() => open('card', mesh, bytes, signerOf(2).publicKey)).toThrow(ProtocolError)
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Uint8Array.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ 1
      expect(() => open('card', mesh, flipped), `byte ${at}`).toThrow(ProtocolError)
    }
  })

  test('are false, not an exception, for keys that are no point of the curve', () => {
    for (const key of [new Uint8Array(32), new Uint8Array(32).fill(255)]) {
      expect(verifySignature(key, new Uint8Array(3), new Uint8Array(64))).toBe(false)
    }
  })
})
