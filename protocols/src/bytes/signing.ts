import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { z } from 'zod'
import { type MeshId, meshIdBytes, type PeerId } from '../ids/ids.ts'
import { decodeCanonical, encodeCanonical } from './cbor.ts'
import { ProtocolError } from './errors.ts'
import { bytesOf, bytesUpTo } from './shapes.ts'

/** What a room needs of the node's key. The private key stays behind it. */
export interface Signer {
  readonly peer: PeerId
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array
  /** Ed25519 signature (RFC 8032), 64 bytes. */
  sign(message: Uint8Array): Uint8Array
}

/** One name per signed format, so that a signature of one can never stand for another. */
export type SignatureDomain = 'alert' | 'envelope' | 'manifest' | 'slot' | 'grant' | 'ack' | 'card' | 'tokens' | 'join'

/** What is signed: `bzzz/<domain>/1`, a zero byte, the mesh id (32 bytes), then the body. */
export function signedMessage(domain: SignatureDomain, mesh: MeshId, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`bzzz/${domain}/1\0`), meshIdBytes(mesh), body])
}

/** The other half of a {@link Signer}: whether the signature is of this key. Only a simulation puts another in its place. */
export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean

export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, importedKey(publicKey), signature)
}

const signedShape = z.strictObject({ body: bytesUpTo(1024 * 1024), sig: bytesOf(64) })

/** Wraps canonical body bytes and their signature; the body travels verbatim, so relays keep the proof intact. */
export function sealSigned(domain: SignatureDomain, mesh: MeshId, body: Uint8Array, signer: Signer): Uint8Array {
  return encodeCanonical({ body, sig: signer.sign(signedMessage(domain, mesh, body)) })
}

/**
 * Opens what {@link sealSigned} wrote: size, shape, the body's shape, then the signature of the peer that `signerOf` names.
 * @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE or BAD_SIGNATURE
 */
export function openSigned<S extends z.ZodType>(
  domain: SignatureDomain,
  bytes: Uint8Array,
  schema: S,
  maxBytes: number,
  meshAndSignerOf: (body: z.output<S>, bodyBytes: Uint8Array) => { mesh: MeshId; publicKey: Uint8Array },
  verifies: Verify = verifySignature,
): z.output<S> {
  const { body: bodyBytes, sig } = decodeCanonical(bytes, signedShape, maxBytes)
  const body = decodeCanonical(bodyBytes, schema, maxBytes)
  const { mesh, publicKey } = meshAndSignerOf(body, bodyBytes)
  if (!verifies(publicKey, signedMessage(domain, mesh, bodyBytes), sig)) {
    throw new ProtocolError('BAD_SIGNATURE', `${domain}: the signature does not match its signer`)
  }
  return body
}

/**
 * The body of what {@link sealSigned} wrote, unverified: for what was verified before it was kept.
 * @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL or BAD_SHAPE
 */
export function readSigned<S extends z.ZodType>(bytes: Uint8Array, schema: S, maxBytes: number): z.output<S> {
  return decodeCanonical(signedBody(bytes, maxBytes), schema, maxBytes)
}

/** The bytes that were signed. @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL or BAD_SHAPE */
export function signedBody(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return decodeCanonical(bytes, signedShape, maxBytes).body
}

export function sha256(...parts: (Uint8Array | string)[]): Uint8Array {
  const [first = '', ...more] = parts
  if (more.length === 0) return hash('sha256', first, 'buffer')
  return hash(
    'sha256',
    Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))),
    'buffer',
  )
}

// Importing a raw key costs as much as verifying with it; a mesh has few signers, so the imported form is kept.
const MAX_IMPORTED_KEYS = 256
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex') // RFC 8410 §4: SubjectPublicKeyInfo of Ed25519
const imported = new Map<string, KeyObject>()

function importedKey(publicKey: Uint8Array): KeyObject {
  const name = Buffer.from(publicKey).toString('latin1')
  const known = imported.get(name)
  if (known !== undefined) return known
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' })
  if (imported.size >= MAX_IMPORTED_KEYS) imported.clear()
  imported.set(name, key)
  return key
}
