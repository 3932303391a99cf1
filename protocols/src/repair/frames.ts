import { z } from 'zod'
import { decodeCanonical, encodeCanonical } from '../bytes/cbor.ts'
import { bytesOf, bytesUpTo, wholeNumber } from '../bytes/shapes.ts'
import { sha256 } from '../bytes/signing.ts'
import { MAX_CARD_BYTES } from '../card/card.ts'
import { ACTOR_BYTES, LAPTOP_ACTOR_BYTES, MAX_ENVELOPE_BYTES } from '../envelope/envelope.ts'
import { MAX_FORK_PROOF_BYTES } from '../fork/fork.ts'
import { grantAnswer, grantRequest } from '../grant/request.ts'
import type { MeshId } from '../ids/ids.ts'
import { MAX_MANIFEST_BYTES } from '../manifest/manifest.ts'
import { MAX_PACKED_BYTES, MAX_PAGE_ENVELOPES } from './page.ts'

/** Frames of the one long-lived stream between two peers: length-prefixed deterministic CBOR. See spec.md. */
export const MAX_FRAME_BYTES = 1024 * 1024
export const MAX_DIGEST_THREADS = 4096
/** Of projects, and of threads, that one `follows` names. */
export const MAX_FOLLOWED = 4096
export const MAX_VECTOR_THREADS = 256
export const MAX_VECTOR_ACTORS = 4096
export const MAX_BLOB_PART_BYTES = 512 * 1024
export const MAX_BLOB_BYTES = 16 * 1024 * 1024

const thread = bytesOf(16)
const hash = bytesOf(32)
const tag = bytesOf(8)
const actor = z.union([bytesOf(ACTOR_BYTES), bytesOf(LAPTOP_ACTOR_BYTES)])
/** What a node has of one thread: for each actor, the sequence number and the hash of its latest change there. */
const vector = z.array(z.tuple([actor, wholeNumber.min(1), hash])).max(MAX_VECTOR_ACTORS)

/** Signed things of the budget, each told unasked: what an account acknowledged, gave, spent, or proves; and how it left. */
const budgetThing = z.enum(['ack', 'grant', 'slot', 'fork', 'leave', 'alert'])

const frame = z.discriminatedUnion('t', [
  /** First frame of each side; a connection counts only after it. */
  z.strictObject({ t: z.literal('hello'), v: z.literal(1), mesh: bytesOf(32), card: bytesUpTo(MAX_CARD_BYTES) }),
  z.strictObject({ t: z.literal('ping'), n: wholeNumber }),
  z.strictObject({ t: z.literal('pong'), n: wholeNumber }),
  /** A newer card of the sender, for a peer that gossip did not reach. */
  z.strictObject({ t: z.literal('card'), card: bytesUpTo(MAX_CARD_BYTES) }),
  /** The newest sealed manifest of the sender, for a peer whose card names an older one. */
  z.strictObject({ t: z.literal('manifest'), manifest: bytesUpTo(MAX_MANIFEST_BYTES) }),
  /** Of each thread that the sender has: hash of its vector, and its project's tag (zeros: not known). */
  z.strictObject({ t: z.literal('digest'), threads: z.array(z.tuple([thread, hash, tag])).max(MAX_DIGEST_THREADS) }),
  /** What the sender follows, all of it: what a direct stream should carry to it. The next one replaces it. */
  z.strictObject({
    t: z.literal('follows'),
    all: z.boolean(),
    projects: z.array(tag).max(MAX_FOLLOWED),
    threads: z.array(thread).max(MAX_FOLLOWED),
  }),
  /** "This is what I have of these threads": answered by one `page` with the same `n`. */
  z.strictObject({
    t: z.literal('vectors'),
    n: wholeNumber.min(1),
    threads: z.array(z.tuple([thread, vector])).max(MAX_VECTOR_THREADS),
  }),
  /** "Go on": the page behind the last one of the last `vectors`. Answered likewise. */
  z.strictObject({ t: z.literal('next'), n: wholeNumber.min(1) }),
  /** "Where did these threads begin?": answered likewise, by the first change of each thread's opener. */
  z.strictObject({
    t: z.literal('openings'),
    n: wholeNumber.min(1),
    threads: z.array(thread).min(1).max(MAX_VECTOR_THREADS),
  }),
  /** Envelopes, causes before effects, packed as page.ts does. `more`: there is a page behind it. */
  z.strictObject({
    t: z.literal('page'),
    n: wholeNumber.min(1),
    packed: bytesUpTo(MAX_PACKED_BYTES),
    more: z.boolean(),
  }),
  /** Unasked: what gossip did not carry. */
  z.strictObject({
    t: z.literal('envelopes'),
    envelopes: z.array(bytesUpTo(MAX_ENVELOPE_BYTES)).max(MAX_PAGE_ENVELOPES),
  }),
  /** "Do you have snapshots of these?": answered by `offers`. */
  z.strictObject({
    t: z.literal('snapshots'),
    n: wholeNumber.min(1),
    threads: z.array(thread).min(1).max(MAX_VECTOR_THREADS),
  }),
  /** Of each thread of which there is one: the blob's hash, and how many signed changes are in it. */
  z.strictObject({
    t: z.literal('offers'),
    n: wholeNumber.min(1),
    offers: z.array(z.tuple([thread, hash, wholeNumber.min(1)])).max(MAX_VECTOR_THREADS),
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
  /** "I lack these rights": answered by `grant-answer`. */
  z.strictObject({ t: z.literal('grant-ask'), n: wholeNumber.min(1), request: grantRequest }),
  z.strictObject({ t: z.literal('grant-answer'), n: wholeNumber.min(1), answer: grantAnswer }),
  z.strictObject({ t: z.literal('budget'), kind: budgetThing, bytes: bytesUpTo(MAX_FORK_PROOF_BYTES) }),
])
export type Frame = z.infer<typeof frame>
/** A signed thing of the budget, as it travels. */
export type BudgetThing = { readonly kind: z.infer<typeof budgetThing>; readonly bytes: Uint8Array }

export function encodeFrame(value: Frame): Uint8Array {
  return encodeCanonical(value)
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL or BAD_SHAPE */
export function decodeFrame(bytes: Uint8Array): Frame {
  return decodeCanonical(bytes, frame, MAX_FRAME_BYTES)
}

/** The last change of an actor in a log, which has all its earlier ones too. */
export interface Latest {
  readonly seq: number
  /** Of that change, hexadecimal: two nodes with the same one have the same changes of this actor. */
  readonly hash: string
}

/** The latest change of each actor (hexadecimal). */
export type SeqVector = ReadonlyMap<string, Latest>

/** @returns SHA-256 over the actors in ascending order, each with its number as 8 bytes, big-endian, and its hash */
export function vectorHash(have: SeqVector): Uint8Array {
  const parts = [...have]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([actor, { seq, hash }]) => {
      const number = Buffer.alloc(8)
      number.writeBigUInt64BE(BigInt(seq))
      return Buffer.concat([Buffer.from(actor, 'hex'), number, Buffer.from(hash, 'hex')])
    })
  return sha256('bzzz/vector/1', ...parts)
}

type WireVector = z.infer<typeof vector>

export function vectorToWire(have: SeqVector): WireVector {
  return [...have].map(([actor, { seq, hash }]) => [bytesOfHex(actor), seq, bytesOfHex(hash)])
}

export function vectorFromWire(wire: WireVector): SeqVector {
  return new Map(wire.map(([actor, seq, hash]) => [hexOf(actor), { seq, hash: hexOf(hash) }]))
}

function bytesOfHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** libp2p protocol id of the stream; the mesh is in it, so two meshes on one network never talk past each other. */
export function repairProtocol(mesh: MeshId): string {
  return `/bzzz/${mesh.slice(0, 16)}/repair/1`
}
