import { ProtocolError } from './errors.ts'

/** Of a part's length, big-endian, before the part. */
const LENGTH_BYTES = 4

/** What so many parts of so many bytes in all come to at most. */
export function framedBytes(parts: number, bytes: number): number {
  return bytes + parts * LENGTH_BYTES
}

/** Parts one after the other, verbatim, each behind its length in four bytes. */
export function framed(parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts.flatMap((bytes) => [lengthOf(bytes), bytes]))
}

/** The other way round: views into `bytes`, at most so many. @throws {ProtocolError} TOO_LARGE or BAD_SHAPE */
export function unframed(bytes: Buffer, most: number): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + LENGTH_BYTES <= bytes.length ? at + LENGTH_BYTES + bytes.readUInt32BE(at) : Infinity
    if (end > bytes.length) throw new ProtocolError('BAD_SHAPE', 'ends within a part')
    if (parts.length === most) throw new ProtocolError('TOO_LARGE', `more than ${most} parts`)
    parts.push(bytes.subarray(at + LENGTH_BYTES, end))
    at = end
  }
  return parts
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(bytes.length)
  return length
}
