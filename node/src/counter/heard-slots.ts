import { type Account, accountKey, type MeshId, openSlot, type Period, ProtocolError, type Slot } from '@bzzz/protocols'

/** The newest sums of others that came here, however they came: for when the DHT does not answer, or answers with less. */
export interface HeardSlots {
  /** @returns what is the newest of its account and period now. @throws {ProtocolError} for what no node of the mesh signed */
  hear(slot: Uint8Array): Slot
  /** What was heard by an earlier run: whoever signed it may be no node any more. @throws {ProtocolError} for what nobody signed */
  recall(slot: Uint8Array): void
  of(account: Account, period: Period): Slot | undefined
}

// A day and a month of now and of before, threads with a cap, and the accounts that a member had: the newest ones.
const MAX_OF_PEER = 64
const MAX_PEERS = 128

export function createHeardSlots(mesh: () => MeshId, isNode: (peer: string) => boolean): HeardSlots {
  const peers = new Map<string, Map<string, Slot>>()

  function take(slot: Slot): Slot {
    const { account, period } = slot
    const slots = peers.get(account.peer) ?? new Map<string, Slot>()
    peers.set(account.peer, slots)
    const name = nameOf(account, period)
    const known = slots.get(name)
    if (known !== undefined && known.seq >= slot.seq) return known
    slots.delete(name)
    slots.set(name, slot)
    dropOldest(slots, MAX_OF_PEER)
    dropOldest(peers, MAX_PEERS)
    return slot
  }

  return {
    hear(bytes) {
      const slot = openSlot(bytes, mesh())
      const { peer } = slot.account
      if (!isNode(peer)) throw new ProtocolError('NOT_A_MEMBER', `${peer} is not a node of this mesh`)
      return take(slot)
    },
    recall: (bytes) => void take(openSlot(bytes, mesh())),
    of: (account, period) => peers.get(account.peer)?.get(nameOf(account, period)),
  }
}

function nameOf(account: Account, period: Period): string {
  return `${accountKey(account)} ${period}`
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}
