import { z } from 'zod'
import { decodeCanonical, encodeCanonical, equalBytes } from '../bytes/cbor.ts'
import { ProtocolError } from '../bytes/errors.ts'
import { bytesOf, bytesUpTo } from '../bytes/shapes.ts'
import { type Signer, signedMessage, verifySignature } from '../bytes/signing.ts'
import {
  type MeshId,
  meshIdBytes,
  type PeerId,
  peerIdFromPublicKey,
  type ThreadId,
  threadIdBytes,
  threadIdFromBytes,
} from '../ids/ids.ts'
import { type ChangeHeader, inspectChange, MAX_CHANGE_BYTES } from './change.ts'

/** One Automerge change on its way: stored and relayed verbatim, so that a relay proves the author. See spec.md. */
export interface Envelope {
  readonly thread: ThreadId
  /** The Automerge change chunk, as its author made it. */
  readonly change: Uint8Array
  /** What the chunk says of itself, read without handing it to the CRDT. */
  readonly header: ChangeHeader
  /** Whose key signed: the first 32 bytes of the change's actor. Of a laptop's change its sponsor. */
  readonly author: PeerId
}

/** An actor is the author's Ed25519 public key (32 bytes) and 8 random bytes drawn at each opening of the store. */
export const ACTOR_BYTES = 40
/** Of a laptop that speaks through a node: its sponsor's public key (32 bytes) and 16 random bytes of the laptop's own. */
export const LAPTOP_ACTOR_BYTES = 48

/** @param actor hexadecimal, from a change that was read */
export function isLaptopActor(actor: string): boolean {
  return actor.length === LAPTOP_ACTOR_BYTES * 2
}
export const MAX_ENVELOPE_BYTES = MAX_CHANGE_BYTES + 1024

const shape = z.strictObject({
  v: z.literal(1),
  mesh: bytesOf(32),
  thread: bytesOf(16),
  change: bytesUpTo(MAX_CHANGE_BYTES),
  sig: bytesOf(64),
})

/** @throws {ProtocolError} BAD_CHANGE */
export function sealEnvelope(mesh: MeshId, thread: ThreadId, change: Uint8Array, signer: Signer): Uint8Array {
  return sealInspected(mesh, thread, { change, hash: inspectChange(change).hash }, signer)
}

/** The same of a change whose hash is known. */
export function sealInspected(
  mesh: MeshId,
  thread: ThreadId,
  { change, hash }: { readonly change: Uint8Array; readonly hash: string },
  signer: Signer,
): Uint8Array {
  const sig = signer.sign(messageOf(mesh, thread, hash))
  return encodeCanonical({ v: 1, mesh: meshIdBytes(mesh), thread: threadIdBytes(thread), change, sig })
}

/** An envelope whose signature is still to be checked. */
export interface UnverifiedEnvelope extends Envelope {
  readonly sig: Uint8Array
}

/**
 * Size, shape, mesh, the change's header, then the signature of the key that its actor begins with. Membership is the
 * caller's question.
 * @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE, WRONG_MESH, BAD_CHANGE or BAD_SIGNATURE
 */
export function openEnvelope(mesh: MeshId, bytes: Uint8Array): Envelope {
  const envelope = readEnvelope(mesh, bytes)
  verifyEnvelope(mesh, envelope)
  return envelope
}

/** The same without the signature check: for bytes from our own synced log, or to ask first who the author is. */
export function readEnvelope(mesh: MeshId, bytes: Uint8Array): UnverifiedEnvelope {
  const fields = decodeCanonical(bytes, shape, MAX_ENVELOPE_BYTES)
  if (!equalBytes(fields.mesh, meshIdBytes(mesh))) throw new ProtocolError('WRONG_MESH', 'an envelope of another mesh')
  return unverified(threadOf(fields.thread), fields.change, fields.sig)
}

/**
 * A change and its signature, put into an envelope again; the signature is still to be checked.
 * @throws {ProtocolError} BAD_CHANGE
 */
export function bindEnvelope(
  mesh: MeshId,
  thread: ThreadId,
  change: Uint8Array,
  sig: Uint8Array,
): UnverifiedEnvelope & { readonly bytes: Uint8Array } {
  const envelope = unverified(thread, change, sig)
  const bytes = encodeCanonical({ v: 1, mesh: meshIdBytes(mesh), thread: threadIdBytes(thread), change, sig })
  return { ...envelope, bytes }
}

function unverified(thread: ThreadId, change: Uint8Array, sig: Uint8Array): UnverifiedEnvelope {
  const header = inspectChange(change)
  if (header.actor.length !== ACTOR_BYTES * 2 && !isLaptopActor(header.actor)) {
    throw new ProtocolError('BAD_CHANGE', 'the actor is not a node key and a suffix')
  }
  return { thread, change, header, author: peerIdFromPublicKey(authorKey(header)), sig }
}

/** @throws {ProtocolError} BAD_SIGNATURE unless the key that the change's actor begins with signed it */
export function verifyEnvelope(mesh: MeshId, { thread, header, sig }: UnverifiedEnvelope): void {
  if (!verifySignature(authorKey(header), messageOf(mesh, thread, header.hash), sig)) {
    throw new ProtocolError('BAD_SIGNATURE', `change ${header.hash.slice(0, 12)} is not signed by its actor`)
  }
}

function authorKey(header: ChangeHeader): Uint8Array {
  return Buffer.from(header.actor.slice(0, 64), 'hex')
}

function threadOf(bytes: Uint8Array): ThreadId {
  try {
    return threadIdFromBytes(bytes)
  } catch (cause) {
    throw new ProtocolError('BAD_SHAPE', 'thread: not a UUIDv7', { cause })
  }
}

function messageOf(mesh: MeshId, thread: ThreadId, changeHash: string): Uint8Array {
  return signedMessage('envelope', mesh, Buffer.concat([threadIdBytes(thread), Buffer.from(changeHash, 'hex')]))
}
