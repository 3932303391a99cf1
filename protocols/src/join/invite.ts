import { z } from 'zod'
import { decodeCanonical, encodeCanonical, equalBytes } from '../bytes/cbor.ts'
import { ProtocolError } from '../bytes/errors.ts'
import { bytesOf, wallMs } from '../bytes/shapes.ts'
import { sha256 } from '../bytes/signing.ts'
import { type MeshId, meshIdBytes, type PeerId, peerId } from '../ids/ids.ts'
import { memberRole, nodeLabel } from '../manifest/manifest.ts'

/** What lets one machine join, once: a secret that a person carries over in one line. See spec.md. */
export interface Invite {
  readonly mesh: MeshId
  /** The mesh's name for people. */
  readonly network: string
  /** That every member shares. */
  readonly secret: Uint8Array
  /** Of the node that lets in. */
  readonly peer: PeerId
  /** Where that node is looked for, the best first; multiaddrs without its id. */
  readonly addrs: readonly string[]
  /** Ed25519 seed of the key by which the node knows this invitation. */
  readonly seed: Uint8Array
  readonly role: 'node' | 'laptop'
  /** By the clock of that node. */
  readonly expiresMs: number
}

const PREFIX = 'bzzz-invite-1.'
const MAX_TOKEN_BYTES = 4096
const CHECKSUM_BYTES = 4

const inviteBody = z.strictObject({
  v: z.literal(1),
  mesh: bytesOf(32),
  network: nodeLabel,
  secret: bytesOf(32),
  peer: peerId,
  addrs: z.array(z.string().max(256).startsWith('/')).min(1).max(8),
  seed: bytesOf(32),
  role: memberRole,
  expiresMs: wallMs,
})

export function encodeInvite({ mesh, ...invite }: Invite): string {
  const body = encodeCanonical({ v: 1, mesh: Uint8Array.from(meshIdBytes(mesh)), ...invite })
  return `${PREFIX}${Buffer.concat([body, checksumOf(body)]).toString('base64url')}`
}

/** @throws {ProtocolError} BAD_SHAPE with words for whoever typed it; none of its text is in them */
export function decodeInvite(text: string): Invite {
  const token = text.trim()
  if (!token.startsWith(PREFIX)) throw new ProtocolError('BAD_SHAPE', `an invitation begins with ${PREFIX}`)
  const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url')
  const body = bytes.subarray(0, -CHECKSUM_BYTES)
  if (!equalBytes(bytes.subarray(-CHECKSUM_BYTES), checksumOf(body)))
    throw new ProtocolError('BAD_SHAPE', 'the invitation is cut off or mistyped: its checksum does not fit')
  const { v: _, mesh, ...invite } = decodeCanonical(body, inviteBody, MAX_TOKEN_BYTES)
  return { ...invite, mesh: Buffer.from(mesh).toString('hex') as MeshId }
}

function checksumOf(body: Uint8Array): Uint8Array {
  return sha256('bzzz/invite-token/1\0', body).subarray(0, CHECKSUM_BYTES)
}
