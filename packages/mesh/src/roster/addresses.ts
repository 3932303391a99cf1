import type { PeerId } from '@bzzz/protocols'

const MAX_ADDRESSES = 8

/**
 * Where to look for a peer: first where it was found last, then where it says it listens, then where the manifest says.
 * Those that name another peer are left out.
 */
export function addressesOf(peer: PeerId, ...sources: readonly (readonly string[])[]): string[] {
  const known = sources
    .flat()
    .map(withoutPeer(peer))
    .filter((address) => address !== undefined)
  return [...new Set(known)].slice(0, MAX_ADDRESSES)
}

/** libp2p takes the peer that must answer from the end of the address. */
export function withPeer(address: string, peer: PeerId): string {
  return `${address}/p2p/${peer}`
}

function withoutPeer(peer: PeerId): (address: string) => string | undefined {
  return (address) => {
    const [, place, named] = /^(.*?)(?:\/p2p\/([^/]+))?$/.exec(address) ?? []
    return named === undefined || named === peer ? place : undefined
  }
}
