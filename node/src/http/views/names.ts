import type { PeerId } from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'

/** Label of a node by peer id; of one that is no member any more the last one, marked so; else the id itself. */
export type NodeNames = (peer: string) => string

/** @returns names as they are known now; make it anew for each answer */
export function nodeNames({ node, mesh, accounts }: Pick<DoorPorts, 'node' | 'mesh' | 'accounts'>): NodeNames {
  const labels = new Map<PeerId | string, string>([[node.peer, node.label]])
  for (const peer of mesh.peers()) labels.set(peer.peer, peer.label)
  return (peer) => labels.get(peer) ?? before(peer) ?? peer

  function before(peer: string): string | undefined {
    const label = accounts.labelBefore(peer)
    return label === undefined ? undefined : `${label} (gone)`
  }
}

/** @param author an agent's id, or any other author of an entry: what stands behind its last @ */
export function peerOf(author: string): string {
  return author.slice(author.lastIndexOf('@') + 1)
}

// Entries carry their author's clock, which may say anything; later times have no form in RFC 3339.
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

export function isoTime(wallMs: number): string {
  return new Date(Math.min(wallMs, LAST_MS)).toISOString()
}

export function isoTimeOrNull(wallMs: number | null): string | null {
  return wallMs === null ? null : isoTime(wallMs)
}
