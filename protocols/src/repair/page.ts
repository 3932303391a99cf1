import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { ProtocolError } from '../bytes/errors.ts'
import { framed, framedBytes, unframed } from '../bytes/framing.ts'
import { oneFrame } from '../bytes/zstd.ts'

/** Envelopes of one page at most, and their bytes; a single larger envelope does not exist. */
export const MAX_PAGE_BYTES = 512 * 1024
export const MAX_PAGE_ENVELOPES = 1024
const MAX_UNPACKED_BYTES = framedBytes(MAX_PAGE_ENVELOPES, MAX_PAGE_BYTES)
// What a reader has to keep while it unpacks; a frame may ask for gigabytes in a few bytes. Of a frame whose size was not known before.
const MAX_WINDOW_LOG = 21
/** What cannot be compressed grows a little. */
export const MAX_PACKED_BYTES = MAX_UNPACKED_BYTES + 16 * 1024

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** One zstd frame of all envelopes, verbatim, each behind its length in four bytes, big-endian. Not on the event loop. */
export async function packPage(envelopes: readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  return Uint8Array.from(await compress(framed(envelopes)))
}

/** @throws {ProtocolError} TOO_LARGE or BAD_SHAPE */
export async function unpackPage(packed: Uint8Array): Promise<Uint8Array[]> {
  return unframed(await unpacked(packed), MAX_PAGE_ENVELOPES)
}

async function unpacked(packed: Uint8Array): Promise<Buffer> {
  try {
    const bytes = await decompress(packed, oneFrame(MAX_UNPACKED_BYTES, MAX_WINDOW_LOG))
    return Buffer.from(bytes) // without the rest of the chunk
  } catch (cause) {
    throw new ProtocolError('BAD_SHAPE', 'a page that is not one Zstandard frame within its bound', { cause })
  }
}
