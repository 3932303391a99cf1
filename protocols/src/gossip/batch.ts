import { z } from 'zod'
import { decodeCanonical, encodeCanonical } from '../bytes/cbor.ts'
import { bytesUpTo } from '../bytes/shapes.ts'
import { sha256 } from '../bytes/signing.ts'
import { packed, unpacked } from '../bytes/zstd.ts'
import { MAX_ENVELOPE_BYTES } from '../envelope/envelope.ts'
import type { MeshId } from '../ids/ids.ts'

/**
 * What a batch may weigh, also unpacked; larger envelopes go over the direct stream (repair). gossipsub drops 4 MiB
 * silently.
 */
export const MAX_BATCH_BYTES = 256 * 1024
const MAX_BATCH_ENVELOPES = 1024

const shape = z.strictObject({
  v: z.literal(1),
  envelopes: z.array(bytesUpTo(MAX_ENVELOPE_BYTES)).min(1).max(MAX_BATCH_ENVELOPES),
})

/** Packed where that saves bytes: prose goes down to a third. */
export function encodeBatch(envelopes: readonly Uint8Array[]): Uint8Array {
  return packed(encodeCanonical({ v: 1, envelopes }))
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL or BAD_SHAPE; the envelopes inside are not opened */
export function decodeBatch(bytes: Uint8Array): Uint8Array[] {
  return decodeCanonical(unpacked(bytes, MAX_BATCH_BYTES), shape, MAX_BATCH_BYTES).envelopes
}

/** Splits envelopes, in order, into batches that fit; those too large for any batch come back apart. */
export function packBatches(envelopes: readonly Uint8Array[]): { batches: Uint8Array[][]; tooLarge: Uint8Array[] } {
  const batches: Uint8Array[][] = []
  const tooLarge: Uint8Array[] = []
  let room = 0
  for (const envelope of envelopes) {
    const weight = envelope.length + ENVELOPE_OVERHEAD_BYTES
    if (weight > MAX_BATCH_BYTES - BATCH_OVERHEAD_BYTES) {
      tooLarge.push(envelope)
      continue
    }
    const last = batches.at(-1)
    if (last === undefined || weight > room || last.length >= MAX_BATCH_ENVELOPES) {
      batches.push([envelope])
      room = MAX_BATCH_BYTES - BATCH_OVERHEAD_BYTES - weight
    } else {
      last.push(envelope)
      room -= weight
    }
  }
  return { batches, tooLarge }
}

const ENVELOPE_OVERHEAD_BYTES = 5 // CBOR byte-string head
const BATCH_OVERHEAD_BYTES = 32 // map head, names, version, array head

const PROJECT_TAG_BYTES = 8
/** Tag of a thread whose project its node does not know yet. */
export const NO_PROJECT: Uint8Array = new Uint8Array(PROJECT_TAG_BYTES)

/** @returns the first 8 bytes of the SHA-256 of the project's name: short, and says nothing of the name to who lacks it */
export function projectTag(project: string): Uint8Array {
  return sha256(project).subarray(0, PROJECT_TAG_BYTES)
}

/** Topic of the envelopes of one project's threads. */
export function projectTopic(mesh: MeshId, tag: Uint8Array): string {
  return `/bzzz/1/${mesh}/p/${Buffer.from(tag).toString('hex')}`
}

/** Topic that every member takes: the opening envelopes of all threads, and what belongs to no known project. */
export function envelopeTopic(mesh: MeshId): string {
  return `/bzzz/1/${mesh}/envelopes`
}

export function cardTopic(mesh: MeshId): string {
  return `/bzzz/1/${mesh}/cards`
}
