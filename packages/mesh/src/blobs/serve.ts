import { type Frame, MAX_BLOB_PART_BYTES } from '@bzzz/protocols'
import type { ThreadsPort } from '../threads-port.ts'

type Want = Extract<Frame, { t: 'blob-want' }>
type Part = Extract<Frame, { t: 'blob-part' }>

/** Answers for parts of blobs. Keeps the last blob in memory, since it is asked for part by part, often by several peers. */
export function createBlobServer(blobs: ThreadsPort['blobs']): (want: Want) => Promise<Part> {
  let last: { hash: string; bytes: Promise<Uint8Array | undefined> } | undefined

  function read(hash: string): Promise<Uint8Array | undefined> {
    if (last?.hash === hash) return last.bytes
    const current = { hash, bytes: blobs.get(hash) }
    last = current
    return current.bytes
  }

  return async ({ n, hash, offset }) => {
    const bytes = await read(Buffer.from(hash).toString('hex')).catch((error: unknown) => {
      last = undefined
      throw error
    })
    if (bytes === undefined) last = undefined // it may come later
    const total = bytes?.length ?? 0
    const part = Uint8Array.from(bytes?.subarray(offset, offset + MAX_BLOB_PART_BYTES) ?? [])
    if (offset + part.length >= total) last = undefined
    return { t: 'blob-part', n, hash, offset, total, bytes: part }
  }
}
