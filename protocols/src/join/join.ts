import { z } from 'zod'
import { decodeCanonical, encodeCanonical } from '../bytes/cbor.ts'
import { ProtocolError } from '../bytes/errors.ts'
import { bytesOf, bytesUpTo } from '../bytes/shapes.ts'
import { openSigned, type Signer, sealSigned } from '../bytes/signing.ts'
import { type Incarnation, incarnation, type MeshId, type PeerId, peerId, peerIdFromPublicKey } from '../ids/ids.ts'
import { MAX_MANIFEST_BYTES, memberRole, multiaddr, nodeLabel } from '../manifest/manifest.ts'

/** One question and one answer by which whoever holds an invitation becomes a member. See spec.md. */
export const MAX_JOIN_REQUEST_BYTES = 4096
export const MAX_JOIN_ANSWER_BYTES = 2 * MAX_MANIFEST_BYTES + 4096

const requestBody = z
  .strictObject({
    v: z.literal(1),
    /** The new member's own raw Ed25519 key. */
    publicKey: bytesOf(32),
    /** Of the invitation's key: the request is good for no other. */
    invite: peerId,
    role: memberRole,
    /** Null: as the mesh sees fit. */
    label: nodeLabel.nullable(),
    /** Of a node's new ledger, in which it will hold rights; null for a laptop. */
    incarnation: incarnation.nullable(),
    /** Where the others reach a node. */
    addrs: z.array(multiaddr).max(8),
  })
  .refine((body) => (body.role === 'node') === (body.incarnation !== null), {
    message: 'a node has a ledger, a laptop holds no rights',
    path: ['incarnation'],
  })

export interface JoinRequest {
  readonly peer: PeerId
  readonly role: 'node' | 'laptop'
  readonly label: string | null
  readonly incarnation: Incarnation | null
  /** Multiaddrs without the peer's id. */
  readonly addrs: readonly string[]
}

/** @param signer the key of the new member, which proves so that it has it */
export function sealJoinRequest(
  request: Omit<JoinRequest, 'peer'> & { readonly invite: PeerId },
  mesh: MeshId,
  signer: Signer,
): Uint8Array {
  const publicKey = Uint8Array.from(signer.publicKey)
  return sealSigned('join', mesh, encodeCanonical({ v: 1, publicKey, ...request }), signer)
}

/**
 * @param invite as the connection has proven it
 * @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE or BAD_SIGNATURE
 */
export function openJoinRequest(bytes: Uint8Array, mesh: MeshId, invite: PeerId): JoinRequest {
  const body = openSigned('join', bytes, requestBody, MAX_JOIN_REQUEST_BYTES, ({ publicKey }) => ({ mesh, publicKey }))
  if (body.invite !== invite) throw new ProtocolError('BAD_SHAPE', 'a request with another invitation')
  const { role, label, incarnation: ledger, addrs } = body
  return { peer: peerIdFromPublicKey(body.publicKey), role, label, incarnation: ledger, addrs }
}

export const joinRefusal = z.enum([
  'UNKNOWN',
  'USED',
  'EXPIRED',
  'REVOKED',
  'LABEL_TAKEN',
  'MESH_FULL',
  'WRONG_ROLE',
  'UNABLE',
])
export type JoinRefusal = z.infer<typeof joinRefusal>

const joinAnswer = z.discriminatedUnion('t', [
  /** Sealed manifests: the one that founded the mesh, and the newest, in which the new member stands. */
  z.strictObject({
    t: z.literal('joined'),
    first: bytesUpTo(MAX_MANIFEST_BYTES),
    newest: bytesUpTo(MAX_MANIFEST_BYTES),
  }),
  z.strictObject({ t: z.literal('refused'), code: joinRefusal, reason: z.string().max(500) }),
])
export type JoinAnswer = z.infer<typeof joinAnswer>

export function encodeJoinAnswer(answer: JoinAnswer): Uint8Array {
  return encodeCanonical(answer)
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL or BAD_SHAPE */
export function decodeJoinAnswer(bytes: Uint8Array): JoinAnswer {
  return decodeCanonical(bytes, joinAnswer, MAX_JOIN_ANSWER_BYTES)
}

/** libp2p protocol id; the only one that an invitation's key is let in for. */
export function joinProtocol(mesh: MeshId): string {
  return `/bzzz/${mesh.slice(0, 16)}/join/1`
}
