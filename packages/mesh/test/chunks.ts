import { createHash } from 'node:crypto'

/** Of Automerge's chunks. */
export const MAGIC = Buffer.of(0x85, 0x6f, 0x4a, 0x83)
const CHANGE = 1

/** @param body of a change, uncompressed @returns its chunk, with a length and a checksum that are right */
export function chunkOf(body: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.of(CHANGE), uleb(body.length), body])
  const checksum = createHash('sha256').update(typed).digest().subarray(0, 4)
  return Buffer.concat([MAGIC, checksum, typed])
}

export function uleb(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  do {
    bytes.push(left >= 128 ? (left % 128) | 0x80 : left)
    left = Math.floor(left / 128)
  } while (left > 0)
  return Buffer.from(bytes)
}
