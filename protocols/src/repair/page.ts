import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { ProtocolError } from '../bytes/errors.ts'

/** Envelopes of one page at most, and their bytes; a single larger envelope does not exist. */
export const MAX_PAGE_BYTES = 512 * 1024
export const MAX_PAGE_ENVELOPES = 1024
const LENGTH_BYTES = 4
const MAX_UNPACKED_BYTES = MAX_PAGE_BYTES + MAX_PAGE_ENVELOPES * LENGTH_BYTES
// What a reader has to keep while it unpacks; a frame may ask for gigabytes in a few bytes. Of a frame whose size was not known before.
const MAX_WINDOW_LOG = 21
/** What cannot be compressed grows a little. */
export const MAX_PACKED_BYTES = MAX_UNPACKED_BYTES + 16 * 1024

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** One zstd frame of all envelopes, verbatim, each behind its length in four bytes, big-endian. Not on the event loop. */
export async function packPage(envelopes: readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  return Uint8Array.from(await compress(Buffer.concat(envelopes.flatMap((bytes) => [lengthOf(bytes), bytes]))))
}

/** @throws {ProtocolError} TOO_LARGE or BAD_SHAPE */
export async function unpackPage(packed: Uint8Array): Promise<Uint8Array[]> {
  const bytes = await unpacked(packed)
  const envelopes: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + LENGTH_BYTES <= bytes.length ? at + LENGTH_BYTES + bytes.readUInt32BE(at) : Infinity
    if (end > bytes.length) throw new ProtocolError('BAD_SHAPE', 'a page that ends within an envelope')
    if (envelopes.length === MAX_PAGE_ENVELOPES) throw new ProtocolError('TOO_LARGE', 'too many envelopes in a page')
    envelopes.push(bytes.subarray(at + LENGTH_BYTES, end))
    at = end
  }
  return envelopes
}

async function unpacked(packed: Uint8Array): Promise<Buffer> {
  try {
    const bytes = await decompress(packed, {
      maxOutputLength: MAX_UNPACKED_BYTES,
      chunkSize: MAX_UNPACKED_BYTES + 1, // what is behind a frame goes unnoticed if that fills a chunk
      rejectGarbageAfterEnd: true,
      params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
    })
    return Buffer.from(bytes) // without the rest of the chunk
  } catch (cause) {
    throw new ProtocolError('BAD_SHAPE', 'a page that is not one Zstandard frame within its bound', { cause })
  }
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(bytes.length)
  return length
}
