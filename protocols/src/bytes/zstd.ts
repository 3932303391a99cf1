import { constants, type ZstdOptions, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { tooLarge } from './cbor.ts'
import { ProtocolError } from './errors.ts'

/** Of a Zstandard frame (RFC 8878 §3.1.1), in the order of its bytes. No map or array in CBOR begins with its first one. */
const MAGIC = 0x28b52ffd
// What a reader has to keep while it unpacks; a frame may ask for gigabytes in a few bytes.
const MAX_WINDOW_LOG = 20
// The fastest that packs prose to less than half.
const LEVEL = 1
// Below, packing costs more than the bytes do.
const WORTH_BYTES = 2 * 1024

/** As one Zstandard frame where that is worth it, else as they are. */
export function packed(bytes: Uint8Array): Uint8Array {
  if (bytes.length < WORTH_BYTES) return bytes
  const frame = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } })
  return frame.length < bytes.length ? frame : bytes
}

/** The other way round. @throws {ProtocolError} TOO_LARGE beyond `maxBytes`, packed or unpacked, or NOT_CANONICAL */
export function unpacked(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length > maxBytes) throw tooLarge(bytes.length, maxBytes)
  if (bytes.length < 4 || Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt32BE(0) !== MAGIC) return bytes
  try {
    const whole = zstdDecompressSync(bytes, oneFrame(maxBytes, MAX_WINDOW_LOG))
    return Buffer.from(whole) // without the rest of the chunk
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new ProtocolError('TOO_LARGE', `more than ${maxBytes} bytes unpacked`, { cause })
    throw new ProtocolError('NOT_CANONICAL', 'not one Zstandard frame', { cause })
  }
}

/** Of exactly one frame that unpacks to so many bytes at most, with a window of 2 ^ `windowLog` bytes. */
export function oneFrame(maxBytes: number, windowLog: number): ZstdOptions {
  return {
    maxOutputLength: maxBytes,
    chunkSize: maxBytes + 1, // what is behind a frame goes unnoticed if that fills a chunk
    rejectGarbageAfterEnd: true,
    params: { [constants.ZSTD_d_windowLogMax]: windowLog },
  }
}
