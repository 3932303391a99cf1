import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { framed, framedBytes, ProtocolError, unframed } from '@bzzz/protocols'
import { damaged } from './errors.ts'

/** Envelopes in one chunk at most, and their bytes: what one read of an old change costs, and what one actor's part holds in memory. */
export const MAX_CHUNK_ENVELOPES = 256
export const MAX_CHUNK_BYTES = 512 * 1024

const MAX_OPENED_BYTES = framedBytes(MAX_CHUNK_ENVELOPES, MAX_CHUNK_BYTES)
// Written once and read seldom: a quarter smaller than by the default level, on a thread of the pool.
const ZSTD_LEVEL = 12

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** Envelopes, verbatim, each behind its length in four bytes, in one zstd frame. Not on the event loop. */
export function packChunk(envelopes: readonly Uint8Array[]): Promise<Uint8Array> {
  return compress(framed(envelopes), { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } })
}

/** @throws {ThreadsError} LOG_DAMAGED */
export async function openChunk(key: string, chunk: Uint8Array): Promise<Uint8Array[]> {
  const bytes = await inflate(key, chunk)
  try {
    return unframed(bytes, MAX_CHUNK_ENVELOPES)
  } catch (cause) {
    if (cause instanceof ProtocolError) throw damaged(`${key} cannot be decompressed`, cause)
    throw cause
  }
}

async function inflate(key: string, chunk: Uint8Array): Promise<Buffer> {
  try {
    return await decompress(chunk, { maxOutputLength: MAX_OPENED_BYTES })
  } catch (cause) {
    throw damaged(`${key} cannot be decompressed`, cause) // zlib fails on nothing but what it is given
  }
}
