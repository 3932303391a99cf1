import type { PeerId } from '@bzzz/protocols'
import type { Link } from './link.ts'

export interface LinksOptions {
  readonly self: PeerId
  /** The first link to a peer that had none. */
  readonly onUp: (link: Link) => void
  /** The last one. */
  readonly onDown: (link: Link, reason: string) => void
}

// Two when both sides dialled at once, a third when a peer restarts meanwhile.
const MAX_LINKS_PER_PEER = 3

/**
 * The links to each peer: one, but for the moments after both sides dialled at once or one restarted. The newest is the
 * one in use. Only the lower id closes the older ones, and only when it has heard the peer on the newer: two who both
 * decide can each close what the other keeps, and lose both again and again on a busy machine.
 */
export class Links {
  readonly #options: LinksOptions
  /** Oldest first. */
  readonly #links = new Map<PeerId, Link[]>()
  readonly #changed = new EventTarget()

  constructor(options: LinksOptions) {
    this.#options = options
  }

  get(peer: PeerId): Link | undefined {
    return this.#links.get(peer)?.findLast((link) => link.open)
  }

  /** The one in use for each peer. */
  all(): Link[] {
    return [...this.#links.keys()].flatMap((peer) => this.get(peer) ?? [])
  }

  /** Each that is open, older ones too: they may lead to another machine with the same key. */
  open(): Link[] {
    return [...this.#links.values()].flat().filter((link) => link.open)
  }

  add(link: Link): void {
    const older = this.#links.get(link.peer) ?? []
    this.#links.set(link.peer, [...older, link])
    void link.closed.then((reason) => this.#remove(link, reason))
    const replace = (): void => {
      for (const one of older) one.close('replaced by a newer connection')
    }
    if (older.length === 0) this.#options.onUp(link)
    else if (older.length >= MAX_LINKS_PER_PEER) replace()
    else if (this.#options.self < link.peer) void link.heard.then(replace)
    this.#changed.dispatchEvent(new Event(link.peer))
  }

  /** Ends all there are to this peer. */
  close(peer: PeerId, reason: string): void {
    for (const link of this.#links.get(peer) ?? []) link.close(reason)
  }

  /** Resolves when a link to this peer comes or goes, at the latest after `ms`, or when the signal aborts. */
  async change(peer: PeerId, options: { ms?: number; signal: AbortSignal }): Promise<void> {
    if (options.signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = options.ms === undefined ? undefined : setTimeout(done, options.ms)
      const changed = this.#changed
      function done(): void {
        clearTimeout(timer)
        changed.removeEventListener(peer, done)
        options.signal.removeEventListener('abort', done)
        resolve()
      }
      changed.addEventListener(peer, done)
      options.signal.addEventListener('abort', done)
    })
  }

  #remove(link: Link, reason: string): void {
    const left = this.#links.get(link.peer)?.filter((one) => one !== link) ?? []
    if (left.length > 0) this.#links.set(link.peer, left)
    else {
      this.#links.delete(link.peer)
      this.#options.onDown(link, reason)
    }
    this.#changed.dispatchEvent(new Event(link.peer))
  }
}
