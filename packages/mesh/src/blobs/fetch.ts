import { blobHash, type Frame, MAX_BLOB_PART_BYTES } from '@bzzz/protocols'
import { MeshError, messageOf } from '../errors.ts'
import type { Observe } from '../facts.ts'
import { type Link, LinkError } from '../link/link.ts'
import { Turns } from './turns.ts'

export interface BlobFetcherOptions {
  readonly links: () => readonly Link[]
  readonly closing: AbortSignal
  readonly observe: Observe
}

type Part = Extract<Frame, { t: 'blob-part' }>

// Each holds a whole blob of up to 16 MiB.
const MAX_FETCHES_AT_ONCE = 4

export class BlobFetcher {
  readonly #options: BlobFetcherOptions
  readonly #turns = new Turns(MAX_FETCHES_AT_ONCE)

  constructor(options: BlobFetcherOptions) {
    this.#options = options
  }

  /** Asks one connected peer after the other, also those that connect meanwhile. */
  async fetch(hash: string, { signal }: { signal: AbortSignal }): Promise<Uint8Array | undefined> {
    if (!/^[0-9a-f]{64}$/.test(hash)) throw new MeshError('BAD_HASH', `not a content hash: ${hash.slice(0, 80)}`)
    if (this.#options.closing.aborted) throw new MeshError('CLOSED', 'the mesh is closed')
    const within = AbortSignal.any([signal, this.#options.closing])
    return this.#turns.take(within, async () => {
      const tried = new Set<Link>()
      for (let link = this.#next(tried); link !== undefined; link = this.#next(tried)) {
        tried.add(link)
        const bytes = await this.fetchFrom(link, hash, within)
        if (bytes !== undefined) return bytes
      }
      return undefined
    })
  }

  /** The nearest of those that were not tried yet. A peer whose link was replaced meanwhile is asked again over the new one. */
  #next(tried: ReadonlySet<Link>): Link | undefined {
    const untried = this.#options.links().filter((link) => !tried.has(link))
    return untried.sort((a, b) => (a.latencyMs ?? Infinity) - (b.latencyMs ?? Infinity))[0]
  }

  /** @returns undefined when it is not there, or did not come whole. @throws the signal's reason */
  async fetchFrom(link: Link, hash: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { observe } = this.#options
    try {
      const bytes = await partByPart(link, hash, signal)
      if (bytes === undefined) return undefined
      if (blobHash(bytes) !== hash) throw new LinkError('the bytes do not have that hash')
      observe({ type: 'blob-fetched', peer: link.peer, hash, bytes: bytes.length })
      return bytes
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof LinkError)) throw error
      observe({ type: 'blob-refused', peer: link.peer, hash, reason: messageOf(error) })
      return undefined
    }
  }
}

async function partByPart(link: Link, hash: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const first = await askPart(link, hash, 0, signal)
  if (first.total === 0) return undefined
  const bytes = new Uint8Array(first.total)
  let part = first
  for (let offset = 0; ; part = await askPart(link, hash, offset, signal)) {
    if (part.total !== bytes.length || part.bytes.length !== Math.min(MAX_BLOB_PART_BYTES, bytes.length - offset)) {
      throw new LinkError('a part of another length than was announced')
    }
    bytes.set(part.bytes, offset)
    offset += part.bytes.length
    if (offset === bytes.length) return bytes
  }
}

async function askPart(link: Link, hash: string, offset: number, signal: AbortSignal): Promise<Part> {
  const question = { t: 'blob-want', hash: Uint8Array.from(Buffer.from(hash, 'hex')), offset } as const
  const answer = await link.ask(question, signal)
  if (answer.t !== 'blob-part') throw new LinkError('answered another question')
  return answer
}
