import type { Mesh } from '@bzzz/mesh'
import type { Threads } from '@bzzz/threads'

/** A node that has just started may be asked for a change before it has met a peer. */
const PATIENCE_MS = 3_000

/** A blob from this node's disk, else from a peer: then it is kept, so that a review goes on when its opener is gone. */
export function blobSource(threads: Pick<Threads, 'blobs'>, mesh: Pick<Mesh, 'fetchBlob' | 'subscribe'>) {
  return async (hash: string, { signal }: { signal: AbortSignal }): Promise<Uint8Array | undefined> => {
    const here = await threads.blobs.get(hash)
    if (here !== undefined) return here
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)])
    let fetched = await mesh.fetchBlob(hash, { signal })
    while (fetched === undefined && (await anotherPeer(mesh, patience)))
      fetched = await mesh.fetchBlob(hash, { signal })
    if (fetched !== undefined) await threads.blobs.put(fetched)
    return fetched
  }
}

/** @returns whether a peer came online before the signal aborted */
function anotherPeer(mesh: Pick<Mesh, 'subscribe'>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false)
  return new Promise((resolve) => {
    const end = (came: boolean) => {
      stop()
      signal.removeEventListener('abort', giveUp)
      resolve(came)
    }
    const giveUp = () => end(false)
    const stop = mesh.subscribe((event) => {
      if (event.type === 'peer' && event.status.state === 'online') end(true)
    })
    signal.addEventListener('abort', giveUp, { once: true })
  })
}
