import { blobHash, MAX_BLOB_BYTES } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { ThreadsError } from './errors.ts'

/** Bytes by their hexadecimal SHA-256: what entries name instead of carrying it. */
export interface Blobs {
  /** Resolves with the hash once synced. @throws {ThreadsError} BLOB_TOO_LARGE, FROZEN or CLOSED */
  put(bytes: Uint8Array): Promise<string>
  get(hash: string): Promise<Uint8Array | undefined>
}

/** @param ensureOpen asked first: after a failed write, what can be read may still not be synced */
export function openBlobs(
  room: Room,
  ensureOpen: () => void,
  write: (operations: readonly Operation[]) => Promise<void>,
): Blobs {
  const get = (hash: string) => room.get(`b/${hash}`)
  return {
    get,
    async put(bytes) {
      ensureOpen()
      if (bytes.length > MAX_BLOB_BYTES) {
        throw new ThreadsError('BLOB_TOO_LARGE', `${bytes.length} bytes, at most ${MAX_BLOB_BYTES}`)
      }
      const hash = blobHash(bytes)
      if ((await get(hash)) === undefined) await write([{ put: `b/${hash}`, value: Uint8Array.from(bytes) }])
      return hash
    },
  }
}
