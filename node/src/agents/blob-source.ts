import type { Mesh } from '@bzzz/mesh'
import type { Threads } from '@bzzz/threads'

/** A blob from this node's disk, else from a peer: then it is kept, so that a review goes on when its opener is gone. */
export function blobSource(threads: Pick<Threads, 'blobs'>, mesh: Pick<Mesh, 'fetchBlob'>) {
  return async (hash: string, options: { signal: AbortSignal }): Promise<Uint8Array | undefined> => {
    const here = await threads.blobs.get(hash)
    if (here !== undefined) return here
    const fetched = await mesh.fetchBlob(hash, options)
    if (fetched !== undefined) await threads.blobs.put(fetched)
    return fetched
  }
}
