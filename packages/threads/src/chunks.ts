import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { damaged } from './errors.ts'

/** Envelopes in one chunk at most, and their bytes: what one read of an old change costs, and what one actor's part holds in memory. */
export const MAX_CHUNK_ENVELOPES = 256
export const MAX_CHUNK_BYTES = 512 * 1024

const LENGTH_BYTES = 4
const MAX_OPENED_BYTES = MAX_CHUNK_BYTES + MAX_CHUNK_ENVELOPES * LENGTH_BYTES
// Written once and read seldom: a quarter smaller than by the default level, on a thread of the pool.
const ZSTD_LEVEL = 12

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** Envelopes, verbatim, each behind its length in four bytes, in one zstd frame. Not on the event loop. */
export function packChunk(envelopes: readonly Uint8Array[]): Promise<Uint8Array> {
  const framed = envelopes.flatMap((bytes) => [lengthOf(bytes), bytes])
  return compress(Buffer.concat(framed), { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } })
}

/** @throws {ThreadsError} LOG_DAMAGED */
export async function openChunk(key: string, chunk: Uint8Array): Promise<Uint8Array[]> {
  const framed = await inflate(key, chunk)
  const envelopes: Uint8Array[] = []
  for (let at = 0; at < framed.length; ) {
    const end = at + LENGTH_BYTES <= framed.length ? at + LENGTH_BYTES + framed.readUInt32BE(at) : Infinity
    if (end > framed.length) throw damaged(`${key} cannot be decompressed`)
    envelopes.push(framed.subarray(at + LENGTH_BYTES, end))
    at = end
  }
  return envelopes
}

async function inflate(key: string, chunk: Uint8Array): Promise<Buffer> {
  try {
    return await decompress(chunk, { maxOutputLength: MAX_OPENED_BYTES })
  } catch (cause) {
    throw damaged(`${key} cannot be decompressed`, cause) // zlib fails on nothing but what it is given
  }
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(bytes.length)
  return length
}
