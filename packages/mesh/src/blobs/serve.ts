import { type Frame, MAX_BLOB_PART_BYTES } from '@bzzz/protocols'
import type { ThreadsPort } from '../threads-port.ts'
import { RecentBlobs } from './recent.ts'

type Want = Extract<Frame, { t: 'blob-want' }>
type Part = Extract<Frame, { t: 'blob-part' }>

/** Answers for parts of blobs. What lies behind the end of one is answered without reading it again. */
export function createBlobServer(blobs: ThreadsPort['blobs']): (want: Want) => Promise<Part> {
  const recent = new RecentBlobs(blobs)

  return async ({ n, hash, offset }) => {
    const name = Buffer.from(hash).toString('hex')
    const known = recent.lengthOf(name)
    const isBehind = known !== undefined && known > 0 && offset >= known
    const blob = isBehind ? undefined : await recent.get(name)
    const total = isBehind ? known : (blob?.length ?? 0)
    const bytes = Uint8Array.from(blob?.subarray(offset, offset + MAX_BLOB_PART_BYTES) ?? [])
    return { t: 'blob-part', n, hash, offset, total, bytes }
  }
}
