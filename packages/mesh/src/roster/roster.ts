import type { PeerId } from '@bzzz/protocols'
import type { Observe } from '../facts.ts'
import type { Link } from '../link/link.ts'
import type { Links } from '../link/links.ts'
import type { Membership } from '../members.ts'
import type { MeshTimings } from '../timings.ts'
import type { Opener } from './opener.ts'

export interface RosterOptions {
  readonly self: PeerId
  readonly members: Membership
  readonly links: Links
  /** Where to look for a peer, best first. */
  readonly addrsOf: (peer: PeerId) => readonly string[]
  /** For how long no link to it is wanted. */
  readonly shunnedMs: (peer: PeerId) => number
  readonly dial: Opener['dial']
  readonly admit: (link: Link) => void
  /** What a peer that is no longer a member is told before it is cut off; never rejects. */
  readonly farewell: (link: Link) => Promise<unknown>
  readonly timings: MeshTimings
  readonly onReason: (peer: PeerId, reason: string) => void
  readonly observe: Observe
}

/**
 * Keeps a link to every member, without ever giving up. The lower peer id dials, a laptop a node in any case, since two
 * dials at once leave two connections; the other one only after a grace, for when the first cannot reach it. libp2p's own redial is not
 * used: it stops for good after its last retry and knows no addresses but old ones. A node that is no member itself dials nobody,
 * and lets in those who take it for one: they may know a version that names it again.
 */
export class Roster {
  readonly #options: RosterOptions
  readonly #closing = new AbortController()
  readonly #keeping = new Map<PeerId, Promise<void>>()
  readonly #parting = new WeakSet<Link>()
  readonly #timer: NodeJS.Timeout

  constructor(options: RosterOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.look(), options.timings.membersMs)
    this.look()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#closing.abort()
    await Promise.all(this.#keeping.values())
  }

  /** New members get a keeper; those who are no longer members are cut off, and their keepers end by themselves. */
  look(): void {
    if (this.#closing.signal.aborted) return
    const { members, links } = this.#options
    for (const { peer } of members.hasSelf() ? members.others() : []) {
      if (this.#keeping.has(peer)) continue
      const keeping = this.#keep(peer).finally(() => this.#keeping.delete(peer))
      this.#keeping.set(peer, keeping)
    }
    for (const link of links.all()) if (!members.has(link.peer)) this.#part(link)
  }

  #part(link: Link): void {
    if (this.#parting.has(link)) return
    this.#parting.add(link)
    link.deafen()
    void this.#options.farewell(link).then(() => link.close('no longer a member'))
  }

  async #keep(peer: PeerId): Promise<void> {
    const { members, links, timings, shunnedMs } = this.#options
    const { signal } = this.#closing
    const isFirst = this.#dialsFirst(peer)
    const shortest = isFirst ? timings.redialFirstMs : timings.graceMs
    let wait = isFirst ? 0 : timings.graceMs
    while (!signal.aborted && members.hasSelf() && members.has(peer)) {
      const link = links.get(peer)
      if (link !== undefined) {
        await links.change(peer, { signal })
        // a link that broke at once is no reason to start from the shortest wait again
        wait = performance.now() - link.openedAt > timings.redialMostMs ? shortest : this.#longer(wait)
        continue
      }
      await links.change(peer, { ms: Math.max(wait, shunnedMs(peer)), signal })
      if (signal.aborted || !members.hasSelf() || links.get(peer) !== undefined || shunnedMs(peer) > 0) continue
      wait = this.#longer(wait)
      await this.#attempt(peer, wait)
    }
  }

  /** A laptop is where nobody knows, until it has come. */
  #dialsFirst(peer: PeerId): boolean {
    const { self, members } = this.#options
    const [ours, theirs] = [self, peer].map((each) => members.find(each)?.role)
    return ours === theirs || ours === undefined ? self < peer : ours === 'laptop'
  }

  #longer(wait: number): number {
    const { redialFirstMs, redialMostMs } = this.#options.timings
    return Math.min(redialMostMs, Math.max(redialFirstMs, wait * 2))
  }

  async #attempt(peer: PeerId, retryMs: number): Promise<void> {
    const { addrsOf, dial, admit, links, onReason, observe } = this.#options
    let reason = 'no address is known'
    for (const address of addrsOf(peer)) {
      if (!this.#options.members.hasSelf()) return
      const dialled = await dial(peer, address, this.#closing.signal)
      if (dialled === undefined) return
      if ('link' in dialled) return admit(dialled.link)
      if (this.#closing.signal.aborted || links.get(peer) !== undefined) return
      // an address that was reached says more than one that was not
      if (!reason.startsWith('reached')) reason = dialled.reason
    }
    onReason(peer, reason)
    observe({ type: 'dial-failed', peer, reason, retryMs })
  }
}
