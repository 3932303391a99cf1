import { setImmediate } from 'node:timers/promises'
import { encodeBatch, type PeerId, packBatches, type ThreadId } from '@bzzz/protocols'
import type { Observe } from '../facts.ts'
import type { Link } from '../link/link.ts'
import type { Topics } from './topics.ts'

/** What an envelope on its way out belongs to. */
export interface Publication {
  readonly thread: ThreadId
  /** It holds the thread's opening entry, or the one with which a further part begins: everybody is to know of both. */
  readonly opening: boolean
}

interface Queued extends Publication {
  readonly envelope: Uint8Array
}

export interface OutboxOptions {
  readonly topics: Pick<Topics, 'sendBatch'>
  readonly links: () => readonly Link[]
  /** Null: of no known project, so for everybody. */
  readonly tagOf: (thread: ThreadId) => Uint8Array | null
  readonly follows: (link: Link, thread: ThreadId) => boolean
  readonly observe: Observe
}

const MAX_QUEUED_BYTES = 16 * 1024 * 1024

/**
 * Own envelopes on their way out. What comes while one batch is being published goes out together as the next; what is
 * too large for gossip, or for whom gossip has no stream, goes over the direct links to those who follow the thread.
 * Nothing is kept: repair is what guarantees delivery.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #queue: Queued[] = []
  #queuedBytes = 0
  #closed = false
  #sending: Promise<void> | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  publish(envelope: Uint8Array, { thread, opening }: Publication): void {
    if (this.#closed) return
    if (this.#queuedBytes + envelope.length > MAX_QUEUED_BYTES) {
      this.#dropped(null, 'publish', 1)
      return
    }
    this.#queue.push({ envelope, thread, opening })
    this.#queuedBytes += envelope.length
    this.#sending ??= this.#send()
  }

  /** Hands out what waits, and takes no more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#sending
  }

  async #send(): Promise<void> {
    while (this.#queue.length > 0) {
      // unsigned publishing is over in no time: wait for what the same turn of the event loop still brings
      await setImmediate()
      this.#queuedBytes = 0
      for (const { tag, queued } of this.#byTopic(this.#queue.splice(0))) await this.#sendAll(tag, queued)
    }
    this.#sending = undefined
  }

  /** Openings first: what follows them in the topics of projects would have to wait for them. */
  #byTopic(queue: readonly Queued[]): { tag: Uint8Array | null; queued: Queued[] }[] {
    const everybody = { tag: null, queued: [] as Queued[] }
    const projects = new Map<string, { tag: Uint8Array; queued: Queued[] }>()
    for (const one of queue) {
      const tag = one.opening ? null : this.#options.tagOf(one.thread)
      if (tag === null) {
        everybody.queued.push(one)
        continue
      }
      const name = Buffer.from(tag).toString('hex')
      const project = projects.get(name) ?? { tag, queued: [] }
      project.queued.push(one)
      projects.set(name, project)
    }
    return [everybody, ...projects.values()]
  }

  async #sendAll(tag: Uint8Array | null, queued: readonly Queued[]): Promise<void> {
    const byEnvelope = new Map(queued.map((one) => [one.envelope, one]))
    const again = (envelopes: readonly Uint8Array[]) => envelopes.flatMap((envelope) => byEnvelope.get(envelope) ?? [])
    const { batches, tooLarge } = packBatches(queued.map(({ envelope }) => envelope))
    for (const batch of batches) await this.#sendBatch(tag, again(batch))
    for (const one of again(tooLarge)) this.#sendDirectly([one], this.#options.links())
  }

  async #sendBatch(tag: Uint8Array | null, queued: readonly Queued[]): Promise<void> {
    const { topics, links, observe } = this.#options
    const bytes = encodeBatch(queued.map(({ envelope }) => envelope))
    const reached = await topics.sendBatch(tag, bytes)
    const missed = links().filter((link) => !reached.has(link.peer))
    observe({
      type: 'batch-published',
      envelopes: queued.length,
      bytes: bytes.length,
      recipients: reached.size,
      direct: this.#sendDirectly(queued, missed),
    })
  }

  /** @returns to how many */
  #sendDirectly(queued: readonly Queued[], links: readonly Link[]): number {
    let direct = 0
    for (const link of links) {
      const followed = queued.filter(({ thread, opening }) => opening || this.#options.follows(link, thread))
      if (followed.length === 0) continue
      direct++
      const envelopes = followed.map(({ envelope }) => Uint8Array.from(envelope))
      if (link.blocked) this.#dropped(link.peer, 'direct', envelopes.length)
      else void link.tell({ t: 'envelopes', envelopes })
    }
    return direct
  }

  #dropped(peer: PeerId | null, way: 'direct' | 'publish', envelopes: number): void {
    this.#options.observe({ type: 'envelopes-dropped', peer, way, envelopes })
  }
}
