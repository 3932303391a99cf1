import { createHash } from 'node:crypto'
import { constants, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Mark, Marker } from '@bzzz/budget'
import { decodeCanonical, encodeCanonical, incarnation, peerId } from '@bzzz/protocols'
import { syncDirectory } from '@bzzz/store'
import { z } from 'zod'

/** The mark of the ledger as a file beside the state: how far the ledger had come, so that an older one is not taken for it. */
export interface MarkerFile extends Marker {
  /** Synced. Idempotent. */
  close(): Promise<void>
}

// Two places written in turn: a write that a power cut tore leaves the one before it.
const HALF_BYTES = 512
const DIGEST_BYTES = 16
const LENGTH_BYTES = 2

const count = z.number().int().min(0)
const mark = z.strictObject({
  v: z.literal(1),
  /** Of this file's writes; the higher of two halves counts. */
  turn: count,
  peer: peerId,
  incarnation,
  boot: z.strictObject({ counter: count, nonce: incarnation }),
  seq: count,
  hash: z.instanceof(Uint8Array).refine(({ length }) => length === 32),
  signedSeq: count,
})
type Written = z.infer<typeof mark>

/**
 * Writes go to the system's cache alone, in place: they survive the process, and after a power cut what is on disk is
 * older than the ledger, which was synced before, or equal to it.
 */
export async function openMarkerFile(path: string): Promise<MarkerFile> {
  const file = await openInPlace(path)
  const halves = await readHalves(file)
  const [newest] = halves.toSorted((a, b) => b.turn - a.turn)
  let turn = newest?.turn ?? 0
  let closing: Promise<void> | undefined

  return {
    read: async () => newest && markOf(newest),
    async write({ account, boot, head, signedSeq }) {
      turn += 1
      const { peer, incarnation: own } = account
      const hash = Uint8Array.from(head.hash)
      const half = sealed({ v: 1, turn, peer, incarnation: own, boot, seq: head.seq, hash, signedSeq })
      const written = writeSync(file.fd, half, 0, HALF_BYTES, (turn % 2) * HALF_BYTES)
      if (written < HALF_BYTES) throw new Error(`${path} took ${written} of ${HALF_BYTES} bytes`)
    },
    close: () => (closing ??= finish(file)),
  }
}

/** Its room on the disk is taken, and its name is there, before the first mark: a full disk keeps nobody from marking. */
async function openInPlace(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    const { size } = await file.stat()
    if (size < 2 * HALF_BYTES) {
      await file.write(new Uint8Array(2 * HALF_BYTES - size), 0, 2 * HALF_BYTES - size, size)
      await file.sync()
      await syncDirectory(dirname(path))
    }
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

async function readHalves(file: FileHandle): Promise<Written[]> {
  const bytes = new Uint8Array(2 * HALF_BYTES)
  await file.read(bytes, 0, bytes.length, 0)
  return [0, HALF_BYTES].flatMap((start) => opened(bytes.subarray(start, start + HALF_BYTES)) ?? [])
}

/** Length, digest and body, then zeros. */
function sealed(written: Written): Uint8Array {
  const body = encodeCanonical(written)
  const half = Buffer.alloc(HALF_BYTES)
  half.writeUInt16BE(body.length)
  half.set(digestOf(body), LENGTH_BYTES)
  half.set(body, LENGTH_BYTES + DIGEST_BYTES)
  return half
}

/** @returns undefined when it was never written, or torn */
function opened(half: Uint8Array): Written | undefined {
  const bytes = Buffer.from(half)
  const start = LENGTH_BYTES + DIGEST_BYTES
  const length = bytes.readUInt16BE()
  const body = bytes.subarray(start, start + length)
  const isWhole = length > 0 && start + length <= HALF_BYTES
  if (!isWhole || !digestOf(body).equals(bytes.subarray(LENGTH_BYTES, start))) return undefined
  return decodeCanonical(Uint8Array.from(body), mark, HALF_BYTES)
}

function digestOf(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest().subarray(0, DIGEST_BYTES)
}

function markOf({ peer, incarnation: own, boot, seq, hash, signedSeq }: Written): Mark {
  return { account: { peer, incarnation: own }, boot, head: { seq, hash }, signedSeq }
}

async function finish(file: FileHandle): Promise<void> {
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
