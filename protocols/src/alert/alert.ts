import { z } from 'zod'
import { encodeCanonical } from '../bytes/cbor.ts'
import { nanoUsd, wallMs } from '../bytes/shapes.ts'
import { openSigned, type Signer, sealSigned } from '../bytes/signing.ts'
import { type MeshId, peerId, publicKeyOfPeer } from '../ids/ids.ts'
import { parsePeriod, period } from '../ids/periods.ts'

/** A node's word that people were told how much of a limit is spent, so that no other node tells them again. See spec.md. */
export const MAX_ALERT_BYTES = 1_024

const alertBody = z.strictObject({
  v: z.literal(1),
  period: period.refine((of) => ['day', 'month'].includes(parsePeriod(of)?.kind ?? ''), {
    message: 'must be a day or a month',
  }),
  level: z.enum(['warning', 'critical']),
  /** Of the whole mesh, at that moment: a raised limit has alerts of its own. */
  limit: nanoUsd,
  /** At least so much was spent, held, or lost with accounts that ended, by the signed sums that the teller had. */
  spent: nanoUsd,
  /** The node that told people. */
  teller: peerId,
  wallMs,
})
export type Alert = z.infer<typeof alertBody>

export function sealAlert(alert: Alert, mesh: MeshId, signer: Signer): Uint8Array {
  return sealSigned('alert', mesh, encodeCanonical(alert), signer)
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE or BAD_SIGNATURE. Membership is the caller's question. */
export function openAlert(bytes: Uint8Array, mesh: MeshId): Alert {
  const signer = (body: Alert) => ({ mesh, publicKey: publicKeyOfPeer(body.teller) })
  return openSigned('alert', bytes, alertBody, MAX_ALERT_BYTES, signer)
}
