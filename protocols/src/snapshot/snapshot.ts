import { z } from 'zod'
import { decodeCanonical, encodeCanonical, equalBytes } from '../bytes/cbor.ts'
import { ProtocolError } from '../bytes/errors.ts'
import { bytesOf, bytesUpTo } from '../bytes/shapes.ts'
import { type MeshId, meshIdBytes, type ThreadId, threadIdBytes } from '../ids/ids.ts'

/**
 * A thread's signed log in little room: its Automerge document, out of which each change can be got back, and the
 * signatures of its envelopes in the document's own order of changes, the genesis left out. See spec.md.
 */
export interface Snapshot {
  /** An Automerge document chunk. */
  readonly document: Uint8Array
  /** 64 bytes each. */
  readonly signatures: readonly Uint8Array[]
}

/** It travels as a blob. */
export const MAX_SNAPSHOT_BYTES = 16 * 1024 * 1024
export const SIGNATURE_BYTES = 64

const shape = z.strictObject({
  v: z.literal(1),
  mesh: bytesOf(32),
  thread: bytesOf(16),
  document: bytesUpTo(MAX_SNAPSHOT_BYTES),
  signatures: bytesUpTo(MAX_SNAPSHOT_BYTES),
})

export function encodeSnapshot(mesh: MeshId, thread: ThreadId, { document, signatures }: Snapshot): Uint8Array {
  const all = Buffer.concat(signatures)
  return encodeCanonical({ v: 1, mesh: meshIdBytes(mesh), thread: threadIdBytes(thread), document, signatures: all })
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE or WRONG_MESH */
export function decodeSnapshot(mesh: MeshId, thread: ThreadId, bytes: Uint8Array): Snapshot {
  const fields = decodeCanonical(bytes, shape, MAX_SNAPSHOT_BYTES)
  if (!equalBytes(fields.mesh, meshIdBytes(mesh))) throw new ProtocolError('WRONG_MESH', 'a snapshot of another mesh')
  if (!equalBytes(fields.thread, threadIdBytes(thread))) throw new ProtocolError('BAD_SHAPE', 'of another thread')
  const { document, signatures: all } = fields
  if (all.length % SIGNATURE_BYTES !== 0) throw new ProtocolError('BAD_SHAPE', 'signatures: not whole')
  const signatures = Array.from({ length: all.length / SIGNATURE_BYTES }, (_, i) =>
    all.subarray(i * SIGNATURE_BYTES, (i + 1) * SIGNATURE_BYTES),
  )
  return { document, signatures }
}
