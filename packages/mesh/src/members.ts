import type { PeerId } from '@bzzz/protocols'

export interface MeshMember {
  readonly peer: PeerId
  readonly label: string
  readonly role: 'node' | 'laptop'
  /** Multiaddrs from the manifest, the first that are tried. */
  readonly addrs: readonly string[]
}

/** The members as of now: the list may change while the mesh runs, so nothing of it is kept. */
export interface Membership {
  has(peer: string): boolean
  /** Whether this node itself is one. */
  hasSelf(): boolean
  find(peer: PeerId): MeshMember | undefined
  /** Every member but this node. */
  others(): readonly MeshMember[]
}

export function membershipOf(members: () => readonly MeshMember[], self: PeerId): Membership {
  const find = (peer: string): MeshMember | undefined => members().find((member) => member.peer === peer)
  return {
    has: (peer) => find(peer) !== undefined,
    hasSelf: () => find(self) !== undefined,
    find,
    others: () => members().filter((member) => member.peer !== self),
  }
}
