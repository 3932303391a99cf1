import type { Follows, Mesh } from '@bzzz/mesh'
import { isType, type PeerId, parseAgentId, type Signer, type ThreadId } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { ThreadEvent, Threads } from '@bzzz/threads'
import type { Brought } from '../http/ports.ts'

export interface FollowsOptions {
  /** Of the state; key `f/<thread>` for each thread that is followed for itself. */
  readonly room: Room
  /** As configured; none: all. */
  readonly projects: readonly string[]
  readonly threads: Pick<Threads, 'list' | 'parts' | 'vector'>
  readonly signer: Pick<Signer, 'publicKey'>
}

/** What an earlier run followed, and every thread in which this node has written: its log says so without a row. */
export async function readFollows({ room, projects, threads, signer }: FollowsOptions): Promise<Follows> {
  if (projects.length === 0) return { projects: null, threads: [] }
  const followed: ThreadId[] = []
  for await (const key of room.keys({ gt: 'f/', lt: 'f0' })) followed.push(key.slice(2) as ThreadId)
  const own = Buffer.from(signer.publicKey).toString('hex')
  for (const { thread, project } of threads.list()) {
    if (projects.includes(project)) continue
    const parts = await Promise.all(threads.parts(thread).map(({ document }) => threads.vector(document)))
    if (parts.some((vector) => [...vector.keys()].some((actor) => actor.startsWith(own)))) followed.push(thread)
  }
  return { projects, threads: followed }
}

export interface FollowingOptions {
  readonly room: Pick<Room, 'write'>
  readonly follows: Follows
  readonly threads: Pick<Threads, 'summary' | 'rootOf' | 'subscribe'>
  readonly mesh: Pick<Mesh, 'follow' | 'fetchThread'>
  readonly peer: PeerId
  /** How long peers may take to bring a thread. */
  readonly fetchMs: number
  /** A write failed: the thread is followed until the node stops. */
  readonly onLost: (error: unknown) => void
}

// Anybody who may read can ask for threads that do not exist, and each asks every peer.
const MAX_FETCHES = 32

/** Keeps up with threads of projects that are not followed: where this node has a seat, has written, or was asked for one. */
export class Following {
  readonly #options: FollowingOptions
  readonly #followed: Set<ThreadId>
  readonly #fetches = new Map<ThreadId, Promise<Brought>>()
  readonly #writes = new Set<Promise<void>>()
  readonly #unsubscribe: () => void

  constructor(options: FollowingOptions) {
    this.#options = options
    this.#followed = new Set(options.follows.threads)
    this.#unsubscribe = options.threads.subscribe((event) => this.#heed(event))
  }

  /** Fetches a thread that is not kept up with here, and keeps up with it from then on. */
  bring(thread: ThreadId): Promise<Brought> {
    if (this.follows(thread)) return Promise.resolve({ status: 'here' })
    const running = this.#fetches.get(thread)
    if (running !== undefined) return running
    if (this.#fetches.size >= MAX_FETCHES) return Promise.resolve(this.#outcome(thread, { status: 'late' }))
    const fetch = this.#fetch(thread).finally(() => this.#fetches.delete(thread))
    this.#fetches.set(thread, fetch)
    return fetch
  }

  /** It is here, and kept up with. */
  follows(thread: ThreadId): boolean {
    const project = this.#options.threads.summary(thread)?.project
    if (project === undefined) return false
    const { projects } = this.#options.follows
    return projects === null || projects.includes(project) || this.#followed.has(this.#options.threads.rootOf(thread))
  }

  /** Waits for writes in hand. */
  async close(): Promise<void> {
    this.#unsubscribe()
    await Promise.all(this.#writes)
  }

  async #fetch(thread: ThreadId): Promise<Brought> {
    const signal = AbortSignal.timeout(this.#options.fetchMs)
    try {
      const asked = await this.#options.mesh.fetchThread(thread, { signal })
      return this.#outcome(thread, { status: 'nowhere', asked })
    } catch (error) {
      if (error !== signal.reason) throw error
      return this.#outcome(thread, { status: 'late' })
    }
  }

  #outcome(thread: ThreadId, otherwise: Brought): Brought {
    if (this.#options.threads.summary(thread) === undefined) return otherwise
    this.#follow(this.#options.threads.rootOf(thread))
    return { status: 'here' }
  }

  #heed({ thread, own, entries }: ThreadEvent): void {
    const seated = entries.some(({ entry }) => isType(entry, 'open') && this.#hasSeat(entry.review?.seats ?? []))
    if (own || seated) this.#follow(thread)
  }

  #hasSeat(seats: readonly { readonly agent: string }[]): boolean {
    return seats.some(({ agent }) => parseAgentId(agent)?.peer === this.#options.peer)
  }

  /** Peers hear of it at once; repair brings what was said before. */
  #follow(thread: ThreadId): void {
    if (this.follows(thread) || this.#options.follows.projects === null) return
    this.#followed.add(thread)
    this.#options.mesh.follow(thread)
    const { room, onLost } = this.#options
    const write = room.write([{ put: `f/${thread}`, value: Buffer.from('1') }]).catch(onLost)
    this.#writes.add(write)
    void write.finally(() => this.#writes.delete(write))
  }
}
