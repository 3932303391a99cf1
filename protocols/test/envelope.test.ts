import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeCanonical } from '../src/bytes/cbor.ts'
import { ProtocolError } from '../src/bytes/errors.ts'
import { inspectChange, MAX_CHANGE_BYTES } from '../src/envelope/change.ts'
import {
  isLaptopActor,
  MAX_ENVELOPE_BYTES,
  openEnvelope,
  readEnvelope,
  sealEnvelope,
  verifyEnvelope,
} from '../src/envelope/envelope.ts'
import { type ThreadId, threadIdBytes } from '../src/ids/ids.ts'
import { golden, hex, mesh, otherMesh, signerOf, unhex } from './keys.ts'

const signer = signerOf(1)
const known = golden('envelope')
const thread = known.thread as ThreadId
const change = unhex(known.change)
const header = { hash: known.hash, actor: `${hex(signer.publicKey)}${'01'.repeat(8)}`, seq: 1, startOp: 4, ops: 3 }
const fields = { v: 1, mesh: Buffer.from(mesh, 'hex'), thread: threadIdBytes(thread), change, sig: new Uint8Array(64) }
const refusal = (code: string) => expect.objectContaining({ name: 'ProtocolError', code })

/** The first byte of the chunk's body: magic 4, checksum 4, type 1, length 2. */
const BODY_AT = 11

describe('an envelope', () => {
  test('has the bytes of its spec', () => {
    expect(hex(sealEnvelope(mesh, thread, change, signer))).toBe(known.envelope)
    expect(openEnvelope(mesh, unhex(known.envelope))).toMatchObject({ thread, author: signer.peer, header })
  })

  test('with any byte altered is refused, or is the same bytes again', () => {
    const bytes = sealEnvelope(mesh, thread, change, signer)
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const flipped = Uint8Array.from(bytes)
        flipped[at] = (flipped[at] ?? 0) ^ by
        try {
          const { thread: to, change: body, sig } = { ...readEnvelope(mesh, flipped), ...openEnvelope(mesh, flipped) }
          expect(hex(encodeCanonical({ ...fields, thread: threadIdBytes(to), change: body, sig }))).toBe(hex(flipped))
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('is proof for one mesh, one thread and one author', () => {
    const { sig } = readEnvelope(mesh, unhex(known.envelope))
    const elsewhere = { ...fields, sig, mesh: Buffer.from(otherMesh, 'hex') }
    expect(() => openEnvelope(mesh, encodeCanonical(elsewhere))).toThrow(refusal('WRONG_MESH'))
    expect(() => openEnvelope(otherMesh, encodeCanonical(elsewhere))).toThrow(refusal('BAD_SIGNATURE'))
    const other = threadIdBytes('01890000-0000-7000-8000-000000000001' as ThreadId)
    expect(() => openEnvelope(mesh, encodeCanonical({ ...fields, sig, thread: other }))).toThrow(
      refusal('BAD_SIGNATURE'),
    )
    expect(() => openEnvelope(mesh, sealEnvelope(mesh, thread, change, signerOf(2)))).toThrow(refusal('BAD_SIGNATURE'))
  })

  test("of a laptop has the bytes of its spec, and is its sponsor's", () => {
    const laptop = unhex(known.laptopChange)
    const { actor } = inspectChange(laptop)
    expect(actor).toBe(`${hex(signer.publicKey)}${'03'.repeat(16)}`)
    expect(hex(sealEnvelope(mesh, thread, laptop, signer))).toBe(known.laptopEnvelope)
    expect(openEnvelope(mesh, unhex(known.laptopEnvelope)).author).toBe(signer.peer)
    const byAnother = sealEnvelope(mesh, thread, laptop, signerOf(2))
    expect(() => openEnvelope(mesh, byAnother)).toThrow(refusal('BAD_SIGNATURE'))
    expect([actor, header.actor].map(isLaptopActor)).toEqual([true, false])
  })

  test('can be read before its signature is checked', () => {
    const envelope = readEnvelope(mesh, encodeCanonical(fields))
    expect(envelope.author).toBe(signer.peer)
    expect(() => verifyEnvelope(mesh, envelope)).toThrow(refusal('BAD_SIGNATURE'))
  })

  test('is refused above its size, with other members, or with a thread that is no UUIDv7', () => {
    expect(() => readEnvelope(mesh, new Uint8Array(MAX_ENVELOPE_BYTES + 1))).toThrow(refusal('TOO_LARGE'))
    expect(() => readEnvelope(mesh, encodeCanonical({ ...fields, extra: 1 }))).toThrow(refusal('BAD_SHAPE'))
    expect(() => readEnvelope(mesh, encodeCanonical({ ...fields, v: 2 }))).toThrow(refusal('BAD_SHAPE'))
    expect(() => readEnvelope(mesh, encodeCanonical({ ...fields, thread: new Uint8Array(16) }))).toThrow(
      refusal('BAD_SHAPE'),
    )
  })
})

describe('the header of a change', () => {
  test('is the same whether the chunk is deflated or not', () => {
    const body = change.subarray(BODY_AT)
    const deflated = deflateRawSync(body)
    const length = deflated.length < 128 ? [deflated.length] : [(deflated.length & 127) | 128, deflated.length >> 7]
    const chunk = Buffer.concat([change.subarray(0, 8), Buffer.from([2, ...length]), deflated])
    expect(inspectChange(chunk)).toEqual(inspectChange(change))
    expect(inspectChange(change)).toMatchObject(header)
  })

  test.each([
    ['too short', new Uint8Array(11)],
    ['too large', new Uint8Array(MAX_CHANGE_BYTES + 1)],
    ['another magic', Buffer.concat([Buffer.of(0), change.subarray(1)])],
    ['a document chunk', Buffer.concat([change.subarray(0, 8), Buffer.of(0), change.subarray(9)])],
    ['bytes behind the chunk', Buffer.concat([change, Buffer.of(0)])],
    ['bytes missing', change.subarray(0, -1)],
    ['another checksum', Buffer.concat([change.subarray(0, 4), Buffer.alloc(4), change.subarray(8)])],
  ])('is refused: %s', (_, bytes) => {
    expect(() => inspectChange(bytes)).toThrow(refusal('BAD_CHANGE'))
  })

  test('of arbitrary bytes is refused by a protocol error, at once', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (tail) => {
        const bytes = Buffer.concat([change.subarray(0, 9), tail])
        expect(() => inspectChange(bytes)).toThrow(ProtocolError)
      }),
    )
  })
})
