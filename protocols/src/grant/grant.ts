import { z } from 'zod'
import { encodeCanonical } from '../bytes/cbor.ts'
import { nanoUsd, wholeNumber } from '../bytes/shapes.ts'
import { openSigned, readSigned, type Signer, sealSigned, sha256, type Verify } from '../bytes/signing.ts'
import { account, accountKey, boot, type MeshId, publicKeyOfPeer } from '../ids/ids.ts'
import { sharedPeriod } from '../ids/periods.ts'

/** A transfer of rights to spend within one period, signed by the donor. See spec.md. */
export const MAX_GRANT_BYTES = 1024

const grantBody = z
  .strictObject({
    v: z.literal(1),
    period: sharedPeriod,
    /** The donor. */
    from: account,
    /** The opening of the donor's ledger in which it was written. */
    boot,
    /** The receiver: credited only by the ledger that was opened so. */
    to: z.strictObject({ account, boot }),
    /** All that the donor ever gave to this opening in this period, this grant included. */
    cumulative: nanoUsd.refine((amount) => amount > 0n, { message: 'gives nothing' }),
    /** One number for all that the donor signs. */
    seq: wholeNumber.min(1),
  })
  .refine(({ from, to }) => accountKey(from) !== accountKey(to.account), { message: 'gives to itself', path: ['to'] })
export type Grant = z.infer<typeof grantBody>

export function sealGrant(grant: Grant, mesh: MeshId, signer: Signer): Uint8Array {
  return sealSigned('grant', mesh, encodeCanonical(grant), signer)
}

/**
 * A grant of another mesh has a bad signature. Membership, and whether it is for the reader, are the caller's questions.
 * @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE or BAD_SIGNATURE
 */
export function openGrant(bytes: Uint8Array, mesh: MeshId, verifies?: Verify): Grant {
  const signer = ({ from }: Grant) => ({ mesh, publicKey: publicKeyOfPeer(from.peer) })
  return openSigned('grant', bytes, grantBody, MAX_GRANT_BYTES, signer, verifies)
}

/** Without its signature: for grants that were opened before they were kept. @throws {ProtocolError} */
export function readGrant(bytes: Uint8Array): Grant {
  return readSigned(bytes, grantBody, MAX_GRANT_BYTES)
}

/** Of the signed bytes, as they travel. */
export function grantHash(bytes: Uint8Array): Uint8Array {
  return sha256('bzzz/grant-hash/1\0', bytes)
}
