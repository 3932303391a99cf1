import {
  equalBytes,
  type Frame,
  MAX_FOLLOWED,
  NO_PROJECT,
  projectTag,
  type ThreadId,
  threadIdBytes,
} from '@bzzz/protocols'
import type { ThreadsPort } from '../threads-port.ts'

/** What a node keeps up with, beyond the openings of all threads. */
export interface Follows {
  /** Names of the projects; null: all of them, also those still to come. */
  readonly projects: readonly string[] | null
  /** Threads followed for themselves, whatever their project. */
  readonly threads: Iterable<ThreadId>
}

export interface InterestOptions {
  readonly follows: Follows
  readonly threads: Pick<ThreadsPort, 'summary' | 'rootOf'>
  /** A followed project that was not known before; each is told once. */
  readonly onProject: (tag: Uint8Array) => void
}

// Each costs a gossip topic; the threads of further ones come by the direct streams and by repair.
const MAX_TOPICS = 512
// Tags are computed again when so many names came by: nobody works in more projects at a time.
const MAX_NAMES = 1024

/** What this node follows, and which of those projects it knows of. */
export class Interest {
  readonly #options: InterestOptions
  /** Null: all. */
  readonly #projects: ReadonlySet<string> | null
  readonly #threads: Set<ThreadId>
  readonly #known = new Set<string>()
  readonly #tags = new Map<string, Uint8Array>()

  constructor(options: InterestOptions) {
    this.#options = options
    const { projects, threads } = options.follows
    this.#projects = projects === null ? null : new Set(projects.map((name) => hex(projectTag(name))))
    this.#threads = new Set(threads)
    for (const name of projects ?? []) this.learn(projectTag(name))
  }

  /** Another number whenever {@link frame} is another. */
  get version(): number {
    return this.#threads.size
  }

  /** @returns zeros while the opening entry is not here */
  tagOf(thread: ThreadId): Uint8Array {
    const project = this.#options.threads.summary(thread)?.project ?? ''
    if (project === '') return NO_PROJECT
    const known = this.#tags.get(project)
    if (known !== undefined) return known
    if (this.#tags.size >= MAX_NAMES) this.#tags.clear()
    const tag = projectTag(project)
    this.#tags.set(project, tag)
    return tag
  }

  /** @param told the tag as a peer names it; what is known here counts more */
  wants(thread: ThreadId, told: Uint8Array): boolean {
    if (this.#projects === null || this.#threads.has(this.rootOf(thread))) return true
    const own = this.tagOf(thread)
    const tag = isProject(own) ? own : told
    return !isProject(tag) || this.#projects.has(hex(tag))
  }

  /** What is followed for itself is followed with all of its parts. */
  rootOf(document: ThreadId): ThreadId {
    return this.#options.threads.rootOf(document)
  }

  /** Takes note that there is such a project. */
  learn(tag: Uint8Array): void {
    const name = hex(tag)
    if (!isProject(tag) || this.#known.has(name) || this.#known.size >= MAX_TOPICS) return
    if (this.#projects !== null && !this.#projects.has(name)) return
    this.#known.add(name)
    this.#options.onProject(tag)
  }

  /** @returns whether that is new */
  follow(thread: ThreadId): boolean {
    if (this.#threads.has(thread)) return false
    this.#threads.add(thread)
    return true
  }

  /** What peers are told; of more threads than fit, the latest. */
  frame(): Extract<Frame, { t: 'follows' }> {
    const threads = [...this.#threads].slice(-MAX_FOLLOWED).map((thread) => Uint8Array.from(threadIdBytes(thread)))
    const projects = [...(this.#projects ?? [])]
      .slice(-MAX_FOLLOWED)
      .map((tag) => Uint8Array.from(Buffer.from(tag, 'hex')))
    return this.#projects === null
      ? { t: 'follows', all: true, projects: [], threads: [] }
      : { t: 'follows', all: false, projects, threads }
  }
}

/** What a peer said that it follows. */
export class PeerInterest {
  readonly #projects: ReadonlySet<string>
  readonly #threads: ReadonlySet<string>

  constructor({ projects, threads }: Pick<Extract<Frame, { t: 'follows' }>, 'projects' | 'threads'>) {
    this.#projects = new Set(projects.map(hex))
    this.#threads = new Set(threads.map(hex))
  }

  has(thread: ThreadId, tag: Uint8Array): boolean {
    return !isProject(tag) || this.#projects.has(hex(tag)) || this.#threads.has(hex(threadIdBytes(thread)))
  }
}

export function isProject(tag: Uint8Array): boolean {
  return !equalBytes(tag, NO_PROJECT)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
