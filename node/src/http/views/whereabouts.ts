import type { PeerId, ThreadId } from '@bzzz/protocols'
import type { ViewedEntry } from '@bzzz/threads'
import type { DoorPorts } from '../ports.ts'
import type { NodeNames } from './names.ts'

/** Labels of the nodes on which an entry is known to be, ascending. */
export type Whereabouts = (viewed: ViewedEntry) => string[]

/**
 * Here, with its author (who had it on disk before anybody else heard of it), and with those peers who showed that they
 * have it. As of now; a few seconds behind what the peers took since.
 */
export function whereabouts({ node, mesh }: Pick<DoorPorts, 'node' | 'mesh'>, names: NodeNames): Whereabouts {
  const elsewhere = peersWith(mesh)
  return (viewed) => [...new Set([node.peer, ...elsewhere(viewed)])].map(names).sort()
}

/** Of what is not on this disk yet. */
export function whereaboutsElsewhere({ mesh }: Pick<DoorPorts, 'mesh'>, names: NodeNames): Whereabouts {
  const elsewhere = peersWith(mesh)
  return (viewed) => [...new Set(elsewhere(viewed))].map(names).sort()
}

function peersWith(mesh: DoorPorts['mesh']): (viewed: ViewedEntry) => PeerId[] {
  const holders = new Map<ThreadId, ReturnType<typeof mesh.holders>>()
  return ({ peer, actor, seq, change, document }) => {
    const known = holders.get(document) ?? mesh.holders(document)
    holders.set(document, known)
    const held = [...known].flatMap(([holder, vector]) => {
      const latest = vector.get(actor)
      const holds = latest !== undefined && (latest.seq > seq || (latest.seq === seq && latest.hash === change))
      return holds ? [holder] : []
    })
    return [peer, ...held]
  }
}
