import { z } from 'zod'
import { encodeCanonical } from '../bytes/cbor.ts'
import { bytesOf, nanoUsd, wholeNumber } from '../bytes/shapes.ts'
import { openSigned, readSigned, type Signer, sealSigned, type Verify } from '../bytes/signing.ts'
import { account, type MeshId, publicKeyOfPeer } from '../ids/ids.ts'
import { parsePeriod, period } from '../ids/periods.ts'

/** An account's word that it opens no further period under an older manifest. See spec.md. */
export const MAX_ACK_BYTES = 16 * 1024
/** Days and months that no clock of the mesh has left: a few, so that a longer list is nonsense. */
export const MAX_OPENED_PERIODS = 64

const calendarPeriod = period.refine((of) => ['day', 'month'].includes(parsePeriod(of)?.kind ?? ''), {
  message: 'must be a day or a month',
})
const ackBody = z
  .strictObject({
    v: z.literal(1),
    account,
    /** Of the manifest from which this account opens periods from now on. */
    version: wholeNumber.min(1),
    /** Hash of that version: two manifests may carry one number. */
    manifest: bytesOf(32),
    /** One number for all that the account signs. */
    seq: wholeNumber.min(1),
    /** Opened before, not over by any clock of the mesh, and with how much: no manifest changes these any more. */
    opened: z.array(z.strictObject({ period: calendarPeriod, initial: nanoUsd })).max(MAX_OPENED_PERIODS),
  })
  .refine(({ opened }) => new Set(opened.map((entry) => entry.period)).size === opened.length, {
    message: 'names a period twice',
    path: ['opened'],
  })
export type Ack = z.infer<typeof ackBody>

export function sealAck(ack: Ack, mesh: MeshId, signer: Signer): Uint8Array {
  return sealSigned('ack', mesh, encodeCanonical(ack), signer)
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE or BAD_SIGNATURE. Membership is the caller's question. */
export function openAck(bytes: Uint8Array, mesh: MeshId, verifies?: Verify): Ack {
  const signer = (body: Ack) => ({ mesh, publicKey: publicKeyOfPeer(body.account.peer) })
  return openSigned('ack', bytes, ackBody, MAX_ACK_BYTES, signer, verifies)
}

/** Without its signature: for acks that were opened before they were kept. @throws {ProtocolError} */
export function readAck(bytes: Uint8Array): Ack {
  return readSigned(bytes, ackBody, MAX_ACK_BYTES)
}
