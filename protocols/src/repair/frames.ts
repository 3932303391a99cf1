import { z } from 'zod'
import { decodeCanonical, encodeCanonical } from '../bytes/cbor.ts'
import { bytesOf, bytesUpTo, wholeNumber } from '../bytes/shapes.ts'
import { sha256 } from '../bytes/signing.ts'
import { MAX_CARD_BYTES } from '../card/card.ts'
import { ACTOR_BYTES, MAX_ENVELOPE_BYTES } from '../envelope/envelope.ts'
import type { MeshId } from '../ids/ids.ts'

/** Frames of the one long-lived stream between two peers: length-prefixed deterministic CBOR. See spec.md. */
export const MAX_FRAME_BYTES = 1024 * 1024
export const MAX_DIGEST_THREADS = 4096
export const MAX_VECTOR_THREADS = 256
export const MAX_VECTOR_ACTORS = 4096
/** What one answer of envelopes weighs at most; a single larger envelope does not exist. */
export const MAX_PAGE_BYTES = 512 * 1024
export const MAX_PAGE_ENVELOPES = 1024
export const MAX_BLOB_PART_BYTES = 512 * 1024
export const MAX_BLOB_BYTES = 16 * 1024 * 1024

const thread = bytesOf(16)
const hash = bytesOf(32)
/** What a node has of one thread: for each actor, the highest sequence number without a gap before it. */
const vector = z.array(z.tuple([bytesOf(ACTOR_BYTES), wholeNumber.min(1)])).max(MAX_VECTOR_ACTORS)

const frame = z.discriminatedUnion('t', [
  /** First frame of each side; a connection counts only after it. */
  z.strictObject({ t: z.literal('hello'), v: z.literal(1), mesh: bytesOf(32), card: bytesUpTo(MAX_CARD_BYTES) }),
  z.strictObject({ t: z.literal('ping'), n: wholeNumber }),
  z.strictObject({ t: z.literal('pong'), n: wholeNumber }),
  /** A newer card of the sender, for a peer that gossip did not reach. */
  z.strictObject({ t: z.literal('card'), card: bytesUpTo(MAX_CARD_BYTES) }),
  /** Hash of the vector of each thread that the sender has, over as many frames as it takes. */
  z.strictObject({ t: z.literal('digest'), threads: z.array(z.tuple([thread, hash])).max(MAX_DIGEST_THREADS) }),
  /** "This is what I have of these threads": answered by one `envelopes` frame with the same `n`. */
  z.strictObject({
    t: z.literal('vectors'),
    n: wholeNumber.min(1),
    threads: z.array(z.tuple([thread, vector])).max(MAX_VECTOR_THREADS),
  }),
  /** Causes before effects. `n` 0: unasked, what gossip did not carry. `more`: ask again once these are stored. */
  z.strictObject({
    t: z.literal('envelopes'),
    n: wholeNumber,
    envelopes: z.array(bytesUpTo(MAX_ENVELOPE_BYTES)).max(MAX_PAGE_ENVELOPES),
    more: z.boolean(),
  }),
  z.strictObject({ t: z.literal('blob-want'), n: wholeNumber.min(1), hash, offset: wholeNumber }),
  /** `total` 0 with no bytes: not here. */
  z.strictObject({
    t: z.literal('blob-part'),
    n: wholeNumber.min(1),
    hash,
    offset: wholeNumber,
    total: wholeNumber.max(MAX_BLOB_BYTES),
    bytes: bytesUpTo(MAX_BLOB_PART_BYTES),
  }),
])
export type Frame = z.infer<typeof frame>

export function encodeFrame(value: Frame): Uint8Array {
  return encodeCanonical(value)
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL or BAD_SHAPE */
export function decodeFrame(bytes: Uint8Array): Frame {
  return decodeCanonical(bytes, frame, MAX_FRAME_BYTES)
}

/** Highest sequence number by actor (hexadecimal). */
export type SeqVector = ReadonlyMap<string, number>

/** @returns SHA-256 over the actors in ascending order, each with its number as 8 bytes, big-endian */
export function vectorHash(have: SeqVector): Uint8Array {
  const parts = [...have]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([actor, seq]) => {
      const number = Buffer.alloc(8)
      number.writeBigUInt64BE(BigInt(seq))
      return Buffer.concat([Buffer.from(actor, 'hex'), number])
    })
  return sha256('bzzz/vector/1', ...parts)
}

export function vectorToWire(have: SeqVector): [Uint8Array<ArrayBuffer>, number][] {
  return [...have].map(([actor, seq]) => [Uint8Array.from(Buffer.from(actor, 'hex')), seq])
}

export function vectorFromWire(wire: readonly (readonly [Uint8Array, number])[]): SeqVector {
  return new Map(wire.map(([actor, seq]) => [Buffer.from(actor).toString('hex'), seq]))
}

/** libp2p protocol id of the stream; the mesh is in it, so two meshes on one network never talk past each other. */
export function repairProtocol(mesh: MeshId): string {
  return `/bzzz/${mesh.slice(0, 16)}/repair/1`
}
