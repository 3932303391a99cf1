import { z } from 'zod'
import { encodeCanonical } from '../bytes/cbor.ts'
import { bytesOf, nanoUsd, wallMs, wholeNumber } from '../bytes/shapes.ts'
import { openSigned, type Signer, sealSigned, sha256, type Verify } from '../bytes/signing.ts'
import { type Account, account, boot, type MeshId, type Period, publicKeyOfPeer } from '../ids/ids.ts'
import { sharedPeriod } from '../ids/periods.ts'

/** The signed summary of one account in one period; written only by its owner, and its counters only grow. */
export const MAX_SLOT_BYTES = 96 * 1024

/** Of one period and direction: boots of receivers, or grants received. */
export const MAX_TRANSFERS = 256

const slotBody = z.strictObject({
  v: z.literal(1),
  period: sharedPeriod,
  account,
  /** The opening of the ledger in which the slot was written. */
  boot,
  /** One number for all that the account signs, in every period: two contents under one number prove a fork. */
  seq: wholeNumber.min(1),
  /** The manifest by which its account opens periods; 0 before it acknowledged one. */
  manifestVersion: wholeNumber,
  /** {@link slotHash} of the account's slot of this period before; null for the first. */
  prevHash: bytesOf(32).nullable(),
  wallMs,
  state: z.enum(['open', 'closed', 'frozen']),
  initial: nanoUsd,
  /** Cumulative, each: rights given away, with the hash of the newest grant. */
  granted: z.array(z.strictObject({ account, boot, cumulative: nanoUsd, grant: bytesOf(32) })).max(MAX_TRANSFERS),
  /** Hash of the newest grant credited from each donor to each boot. */
  received: z.array(bytesOf(32)).max(MAX_TRANSFERS),
  /** Cumulative: sum of every hold ever made. */
  reserved: nanoUsd,
  /** Cumulative: what settlements gave back of the holds. */
  released: nanoUsd,
  /** Cumulative: what providers billed above a hold. */
  overrun: nanoUsd,
})
export type Slot = z.infer<typeof slotBody>

export function sealSlot(slot: Slot, mesh: MeshId, signer: Signer): Uint8Array {
  return sealSigned('slot', mesh, encodeCanonical(slot), signer)
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE or BAD_SIGNATURE. Membership is the caller's question. */
export function openSlot(bytes: Uint8Array, mesh: MeshId, verifies?: Verify): Slot {
  const signer = (body: Slot) => ({ mesh, publicKey: publicKeyOfPeer(body.account.peer) })
  return openSigned('slot', bytes, slotBody, MAX_SLOT_BYTES, signer, verifies)
}

/** Of the signed bytes, as they travel. */
export function slotHash(bytes: Uint8Array): Uint8Array {
  return sha256('bzzz/slot-hash/1\0', bytes)
}

/** DHT key of a slot. kad-dht keys are bytes of the form `/namespace/rest`. */
export function slotKey(mesh: MeshId, of: Period, by: Account): Uint8Array {
  return Buffer.from(`/${SLOT_NAMESPACE}/${mesh}/${of}/${by.peer}/${by.incarnation}`)
}

export const SLOT_NAMESPACE = 'bzzz-slot'
