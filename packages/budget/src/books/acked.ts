import { type Account, equalBytes, type LedgerEvent, type Manifest, readAck, readManifest } from '@bzzz/protocols'
import { invariant } from '../errors.ts'

/** The version of the manifest by which an account opens periods. */
export interface Acknowledged {
  readonly account: Account
  readonly version: number
  readonly manifest: Manifest
  /** What the owner is told of it, sealed. */
  readonly ack: Uint8Array
  /** Of the ack. */
  readonly seq: number
}

/** @param signedSeq number of what was signed before @throws {BudgetError} INVARIANT_BROKEN */
export function postAcked(
  before: Acknowledged | undefined,
  signedSeq: number,
  event: Extract<LedgerEvent, { kind: 'acked' }>,
): Acknowledged {
  const acknowledged = readAcked(event)
  const { version, seq } = acknowledged
  invariant(4, version > (before?.version ?? 0), `version ${version} comes after ${before?.version}`)
  invariant(4, seq > signedSeq, `number ${seq} was given out before`)
  return acknowledged
}

/** @throws {BudgetError} INVARIANT_BROKEN when the parts do not belong together */
export function readAcked(event: Extract<LedgerEvent, { kind: 'acked' }>): Acknowledged {
  const { manifest, hash } = readManifest(event.manifest)
  const { account, version, manifest: named, seq } = readAck(event.ack)
  const belongs = version === event.version && manifest.version === version && equalBytes(named, hash)
  invariant(4, belongs, `the ack names version ${version}, the record ${event.version}`)
  return { account, version, manifest, ack: event.ack, seq }
}
