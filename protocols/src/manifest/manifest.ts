import { z } from 'zod'
import { decodeCanonical, encodeCanonical } from '../bytes/cbor.ts'
import { ProtocolError } from '../bytes/errors.ts'
import { bytesOf, nanoUsd, wallMs, wholeNumber } from '../bytes/shapes.ts'
import { openSigned, type Signer, sealSigned, sha256, signedBody, type Verify } from '../bytes/signing.ts'
import { account, accountKey, incarnation, type MeshId, peerId } from '../ids/ids.ts'
import { parsePeriod, period } from '../ids/periods.ts'

/** Who is in the mesh, what may be spent, and who holds which part of it: a chain of versions signed by the owner. */
export const MAX_MANIFEST_BYTES = 256 * 1024
const MAX_MEMBERS = 64
/** A few forks, each of a few versions on both sides. */
export const MAX_HEALED = 32

const dimension = z.enum(['day', 'month'])
const inForce = { dim: dimension, from: period }
const DIMENSION_ISSUE = { message: 'from must be a period of its dimension' }
const hasOwnDimension = (entry: { dim: string; from: string }) => parsePeriod(entry.from)?.kind === entry.dim
const periodOf = (kind: 'day' | 'month') =>
  period.refine((of) => parsePeriod(of)?.kind === kind, { message: `must be a ${kind}` })
/** node: runs agents and may hold rights. laptop: reads and posts, holds no rights. */
export const memberRole = z.enum(['node', 'laptop'])
export const nodeLabel = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, { message: 'letters, digits, . _ -, at most 63' })
export const multiaddr = z.string().max(256).startsWith('/')

const manifestBody = z.strictObject({
  v: z.literal(1),
  /** From 1. */
  version: wholeNumber.min(1),
  /** Hash of the version before; null for version 1. */
  prevHash: bytesOf(32).nullable(),
  /** The mesh's name for people. */
  network: nodeLabel,
  createdMs: wallMs,
  /** Raw Ed25519 key of the mesh owner. */
  owner: bytesOf(32),
  /** The one with the newest `from` that is not after a period is in force for it. */
  limits: z.array(z.strictObject({ ...inForce, amount: nanoUsd }).refine(hasOwnDimension, DIMENSION_ISSUE)).max(64),
  /** What one agent may spend in a UTC day, enforced by its home; null: no such limit. */
  perAgentDaily: nanoUsd.nullable(),
  /** Parts of a limit in thousandths at which an alert is due. */
  thresholds: z.strictObject({ warning: wholeNumber.max(1000), critical: wholeNumber.max(1000) }),
  members: z
    .array(z.strictObject({ peer: peerId, label: nodeLabel, role: memberRole, addrs: z.array(multiaddr).max(8) }))
    .min(1)
    .max(MAX_MEMBERS),
  /** Rights with which an account opens each period from a named one on, until a newer entry of it is in force. */
  allotments: z
    .array(z.strictObject({ account, ...inForce, amount: nanoUsd }).refine(hasOwnDimension, DIMENSION_ISSUE))
    .max(640),
  /** Parts of the limits that the allotments move towards, in proportion; an account without one is to have nothing. */
  weights: z
    .array(z.strictObject({ account, weight: wholeNumber.min(1).max(1_000_000) }))
    .max(MAX_MEMBERS)
    .refine((weights) => new Set(weights.map((entry) => accountKey(entry.account))).size === weights.length, {
      message: 'names an account twice',
    }),
  /** Rights for one account in one period besides; listed until the period is over by every clock of the mesh. */
  mints: z.array(z.strictObject({ id: incarnation, period, account, amount: nanoUsd })).max(512),
  closed: z
    .array(z.strictObject({ account, fromDay: periodOf('day'), fromMonth: periodOf('month'), attestedBy: peerId }))
    .max(64),
  /** Hashes of versions that forked, both sides: this one, and whatever follows it, stands in place of them all. */
  heals: z.array(bytesOf(32)).max(MAX_HEALED),
  /**
   * The owner's key came back from a backup with this version, and versions may have been lost that gave rights in periods
   * before these: in those nothing is raised any more.
   */
  restored: z
    .strictObject({ version: wholeNumber.min(1), beforeDay: periodOf('day'), beforeMonth: periodOf('month') })
    .nullable(),
  clockSkewMs: wholeNumber.max(3_600_000),
  priceTableHash: bytesOf(32),
})
export type Manifest = z.infer<typeof manifestBody>
export type Member = Manifest['members'][number]

/** A manifest whose owner's signature was checked. */
export interface OpenedManifest {
  readonly manifest: Manifest
  readonly mesh: MeshId
  readonly hash: Uint8Array
  /** The signed bytes, as they travel. */
  readonly bytes: Uint8Array
}

/** The mesh id is the hash of version 1; a later version is signed for the mesh that version 1 named. */
export function sealManifest(body: Manifest, mesh: MeshId | 'first', owner: Signer): Uint8Array {
  const bytes = encodeCanonical(body)
  return sealSigned('manifest', mesh === 'first' ? meshIdOf(bytes) : mesh, bytes, owner)
}

/**
 * @param pinned the mesh that the reader joined, or 'first' to learn it from a version 1
 * @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE, WRONG_MESH or BAD_SIGNATURE
 */
export function openManifest(bytes: Uint8Array, pinned: MeshId | 'first', verifies?: Verify): OpenedManifest {
  let mesh = pinned as MeshId
  let hash = new Uint8Array()
  const signer = (body: Manifest, bodyBytes: Uint8Array) => {
    hash = Uint8Array.from(hashOfBody(bodyBytes))
    const first = body.version === 1 ? meshIdOf(bodyBytes) : undefined
    if (pinned === 'first') {
      if (first === undefined) throw new ProtocolError('WRONG_MESH', 'only version 1 tells which mesh it founds')
      mesh = first
    } else if (first !== undefined && first !== pinned) {
      throw new ProtocolError('WRONG_MESH', 'the manifest of another mesh')
    }
    return { mesh, publicKey: body.owner }
  }
  const manifest = openSigned('manifest', bytes, manifestBody, MAX_MANIFEST_BYTES, signer, verifies)
  return { manifest, mesh, hash, bytes }
}

/**
 * Without its signature: for versions that were opened before they were kept.
 * @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL or BAD_SHAPE
 */
export function readManifest(bytes: Uint8Array): Pick<OpenedManifest, 'manifest' | 'hash'> {
  const body = signedBody(bytes, MAX_MANIFEST_BYTES)
  return { manifest: decodeCanonical(body, manifestBody, MAX_MANIFEST_BYTES), hash: hashOfBody(body) }
}

function meshIdOf(body: Uint8Array): MeshId {
  return Buffer.from(hashOfBody(body)).toString('hex') as MeshId
}

function hashOfBody(body: Uint8Array): Uint8Array {
  return sha256('bzzz/manifest-hash/1\0', body)
}

/** DHT key of the newest version. kad-dht keys are bytes of the form `/namespace/rest`. */
export function manifestKey(mesh: MeshId): Uint8Array {
  return Buffer.from(`/${MANIFEST_NAMESPACE}/${mesh}`)
}

export const MANIFEST_NAMESPACE = 'bzzz-manifest'

/**
 * What a new machine needs to join, as a file: the manifest and the network secret. Whoever has it can reach the mesh's
 * ports; only listed members are let in.
 */
export const meshFile = z.strictObject({
  v: z.literal(1),
  manifest: z.string().max(512 * 1024),
  network_secret: z.string().regex(/^[0-9a-f]{64}$/),
})
