import type { PeerId } from '@bzzz/protocols'
import type { Link } from './link/link.ts'
import type { Links } from './link/links.ts'
import type { Membership, MeshMember } from './members.ts'
import type { PeerStatus } from './mesh.ts'
import { addressesOf } from './roster/addresses.ts'

export interface PeersOptions {
  readonly members: Membership
  readonly links: Pick<Links, 'get'>
  /** From the peer's newest card. */
  readonly cardAddrs: (peer: PeerId) => readonly string[]
}

const NO_MEMBER = 'this node is no member any more, and looks for nobody'

interface Remembered {
  foundAt: string[]
  lastSeenMs: number | null
  reason: string | null
}

/** What is known of each member's whereabouts in this run. */
export class Peers {
  readonly #options: PeersOptions
  readonly #remembered = new Map<PeerId, Remembered>()

  constructor(options: PeersOptions) {
    this.#options = options
  }

  up(link: Link): void {
    const remembered = this.#of(link.peer)
    // an accepted connection comes from a port of its own, where nobody listens
    if (link.direction === 'dialled') remembered.foundAt = [link.address]
    remembered.reason = null
  }

  down(link: Link, reason: string): void {
    const remembered = this.#of(link.peer)
    remembered.lastSeenMs = link.lastSeenMs
    remembered.reason = reason
  }

  failed(peer: PeerId, reason: string): void {
    this.#of(peer).reason = reason
  }

  addrsOf(peer: PeerId): string[] {
    const manifest = this.#options.members.find(peer)?.addrs ?? []
    return addressesOf(peer, this.#of(peer).foundAt, this.#options.cardAddrs(peer), manifest)
  }

  list(): PeerStatus[] {
    return this.#options.members.others().map((member) => this.#statusOf(member))
  }

  status(peer: PeerId): PeerStatus | undefined {
    const member = this.#options.members.find(peer)
    return member === undefined ? undefined : this.#statusOf(member)
  }

  #statusOf({ peer, label, role }: MeshMember): PeerStatus {
    const link = this.#options.links.get(peer)
    const { lastSeenMs, reason } = this.#of(peer)
    const why = this.#options.members.hasSelf() ? reason : NO_MEMBER
    return {
      peer,
      label,
      role,
      state: link !== undefined ? 'online' : why === null ? 'connecting' : 'offline',
      addrs: this.addrsOf(peer),
      latencyMs: link?.latencyMs ?? null,
      lastSeenMs: link?.lastSeenMs ?? lastSeenMs,
      reason: link === undefined ? why : null,
    }
  }

  #of(peer: PeerId): Remembered {
    const known = this.#remembered.get(peer)
    if (known !== undefined) return known
    const remembered: Remembered = { foundAt: [], lastSeenMs: null, reason: null }
    this.#remembered.set(peer, remembered)
    return remembered
  }
}
