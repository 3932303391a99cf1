import { setImmediate } from 'node:timers/promises'
import { encodeBatch, type PeerId, packBatches } from '@bzzz/protocols'
import type { Observe } from '../facts.ts'
import type { Link } from '../link/link.ts'
import type { Topics } from './topics.ts'

export interface OutboxOptions {
  readonly topics: Pick<Topics, 'sendBatch'>
  readonly links: () => readonly Link[]
  readonly observe: Observe
}

const MAX_QUEUED_BYTES = 16 * 1024 * 1024

/**
 * Own envelopes on their way out. What comes while one batch is being published goes out together as the next; what is
 * too large for gossip, or for whom gossip has no stream, goes over the direct links. Nothing is kept: repair is what
 * guarantees delivery.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #queue: Uint8Array[] = []
  #queuedBytes = 0
  #closed = false
  #sending: Promise<void> | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  publish(envelope: Uint8Array): void {
    if (this.#closed) return
    if (this.#queuedBytes + envelope.length > MAX_QUEUED_BYTES) {
      this.#dropped(null, 'publish', 1)
      return
    }
    this.#queue.push(envelope)
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
      const { batches, tooLarge } = packBatches(this.#queue.splice(0))
      for (const batch of batches) await this.#sendBatch(batch)
      for (const envelope of tooLarge) this.#sendDirectly([envelope], this.#options.links())
    }
    this.#sending = undefined
  }

  async #sendBatch(envelopes: Uint8Array[]): Promise<void> {
    const { topics, links, observe } = this.#options
    const bytes = encodeBatch(envelopes)
    const reached = await topics.sendBatch(bytes)
    const missed = links().filter((link) => !reached.has(link.peer))
    this.#sendDirectly(envelopes, missed)
    observe({
      type: 'batch-published',
      envelopes: envelopes.length,
      bytes: bytes.length,
      recipients: reached.size,
      direct: missed.length,
    })
  }

  #sendDirectly(envelopes: Uint8Array[], links: readonly Link[]): void {
    const frame = {
      t: 'envelopes',
      n: 0,
      envelopes: envelopes.map((one) => Uint8Array.from(one)),
      more: false,
    } as const
    for (const link of links) {
      if (link.blocked) this.#dropped(link.peer, 'direct', envelopes.length)
      else void link.tell(frame)
    }
  }

  #dropped(peer: PeerId | null, way: 'direct' | 'publish', envelopes: number): void {
    this.#options.observe({ type: 'envelopes-dropped', peer, way, envelopes })
  }
}
