import { setImmediate } from 'node:timers/promises'
import type { Topics } from '../gossip/topics.ts'
import type { Link } from '../link/link.ts'
import type { Cards } from './cards.ts'

export interface AnnouncerOptions {
  readonly cards: Pick<Cards, 'sealOwn'>
  readonly topics: Pick<Topics, 'sendCard'>
  readonly links: () => readonly Link[]
  readonly everyMs: number
}

/** Sends the own card at intervals and when it changed; changes of one turn of the event loop go out as one card. */
export class Announcer {
  readonly #options: AnnouncerOptions
  readonly #timer: NodeJS.Timeout
  #announcing: Promise<void> | undefined
  #closed = false

  constructor(options: AnnouncerOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.announce(), options.everyMs)
  }

  announce(): void {
    if (!this.#closed) this.#announcing ??= this.#announce()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#announcing
  }

  async #announce(): Promise<void> {
    const { cards, topics, links } = this.#options
    await setImmediate()
    this.#announcing = undefined
    const card = Uint8Array.from(cards.sealOwn())
    const reached = await topics.sendCard(card)
    for (const link of links()) {
      if (!reached.has(link.peer) && !link.blocked) void link.tell({ t: 'card', card })
    }
  }
}
