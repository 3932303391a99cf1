import {
  type Envelope,
  type MeshId,
  openEnvelope,
  ProtocolError,
  type SeqVector,
  type Signer,
  sealEnvelope,
  type ThreadId,
  vectorHash,
} from '@bzzz/protocols'
import type { Received, ThreadsPort } from '../src/threads-port.ts'
import { chunkOf, uleb } from './chunks.ts'

interface Stored {
  readonly bytes: Uint8Array
  readonly opened: Envelope
}

/** Threads without documents: real signed envelopes around changes that hold no operations, kept in memory. */
export class MemoryThreads implements ThreadsPort {
  readonly blobs: ThreadsPort['blobs']
  /** None, unless a test puts its own here. */
  snapshots: ThreadsPort['snapshots'] = {
    offers: () => [],
    get: async () => undefined,
    join: async () => ({ status: 'failed', reason: 'there are no snapshots here' }),
  }
  /** What the opening entry would say; empty: unknown. */
  projectOf: (thread: ThreadId) => string = () => ''
  readonly #blobs = new Map<string, Uint8Array>()
  readonly #mesh: MeshId
  readonly #signer: Signer
  readonly #suffix: string
  readonly #logs = new Map<ThreadId, Map<string, Stored[]>>()
  readonly #hashes = new Set<string>()

  constructor(mesh: MeshId, signer: Signer, suffix = '00'.repeat(8)) {
    this.#mesh = mesh
    this.#signer = signer
    this.#suffix = suffix
    this.blobs = { get: async (hash) => this.#blobs.get(hash) }
  }

  /** Appends a change of about `size` bytes that follows all that is here. */
  write(thread: ThreadId, size = 100): Uint8Array {
    const actor = Buffer.from(this.#signer.publicKey).toString('hex') + this.#suffix
    const all = this.#all(thread)
    const change = changeOf({
      actor,
      seq: (this.#logs.get(thread)?.get(actor)?.length ?? 0) + 1,
      startOp: all.length + 1,
      deps: all.slice(-1).map(({ opened }) => opened.header.hash),
      size,
    })
    const bytes = sealEnvelope(this.#mesh, thread, change, this.#signer)
    this.#store({ bytes, opened: openEnvelope(this.#mesh, bytes) })
    return bytes
  }

  putBlob(hash: string, bytes: Uint8Array): void {
    this.#blobs.set(hash, bytes)
  }

  count(thread: ThreadId): number {
    return this.#all(thread).length
  }

  summary(thread: ThreadId): { project: string } | undefined {
    return this.#logs.has(thread) ? { project: this.projectOf(this.rootOf(thread)) } : undefined
  }

  /** Documents that are parts of others. */
  readonly roots = new Map<ThreadId, ThreadId>()

  rootOf(document: ThreadId): ThreadId {
    return this.roots.get(document) ?? document
  }

  async digest(): Promise<Map<ThreadId, Uint8Array>> {
    const threads = [...this.#logs.keys()]
    return new Map(threads.map((thread) => [thread, vectorHash(this.#vector(thread))]))
  }

  async vector(thread: ThreadId): Promise<SeqVector> {
    return this.#vector(thread)
  }

  async *envelopesAfter(thread: ThreadId, have: SeqVector): AsyncIterable<Uint8Array> {
    for (const { bytes, opened } of this.#all(thread)) {
      if (opened.header.seq > (have.get(opened.header.actor)?.seq ?? 0)) yield bytes
    }
  }

  /** Keeps nothing aside: what comes before its causes is lost here, the hardest case for repair. */
  async receive(bytes: Uint8Array): Promise<Received> {
    try {
      const opened = openEnvelope(this.#mesh, bytes)
      const { thread, author, header } = opened
      if (this.#hashes.has(header.hash)) return { status: 'repeat', thread, author }
      if (!header.deps.every((hash) => this.#hashes.has(hash))) return { status: 'held', thread, author }
      this.#store({ bytes, opened })
      return { status: 'applied', thread, author }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return { status: 'refused', code: error.code, reason: error.message }
    }
  }

  #vector(thread: ThreadId): SeqVector {
    const actors = [...(this.#logs.get(thread) ?? [])]
    return new Map(
      actors.map(([actor, log]) => [actor, { seq: log.length, hash: log.at(-1)?.opened.header.hash ?? '' }]),
    )
  }

  /** Causes first. */
  #all(thread: ThreadId): Stored[] {
    const all = [...(this.#logs.get(thread)?.values() ?? [])].flat()
    return all.sort((a, b) => a.opened.header.startOp - b.opened.header.startOp)
  }

  #store(stored: Stored): void {
    const { thread, header } = stored.opened
    const actors = this.#logs.get(thread) ?? new Map<string, Stored[]>()
    actors.set(header.actor, [...(actors.get(header.actor) ?? []), stored])
    this.#logs.set(thread, actors)
    this.#hashes.add(header.hash)
  }
}

/** An Automerge change chunk (type 1) with one column of raw bytes and no operations. */
function changeOf(change: { actor: string; seq: number; startOp: number; deps: string[]; size: number }): Uint8Array {
  const actor = Buffer.from(change.actor, 'hex')
  const rawColumn = 0x57
  const body = Buffer.concat([
    uleb(change.deps.length),
    ...change.deps.map((hash) => Buffer.from(hash, 'hex')),
    uleb(actor.length),
    actor,
    uleb(change.seq),
    uleb(change.startOp),
    uleb(0), // time
    uleb(0), // message
    uleb(0), // other actors
    uleb(1),
    uleb(rawColumn),
    uleb(change.size),
    Buffer.alloc(change.size, change.seq),
  ])
  return chunkOf(body)
}
