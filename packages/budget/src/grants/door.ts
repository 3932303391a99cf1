import type { Account, PeerId } from '@bzzz/protocols'

/** How often one peer may ask, whatever its accounts (it can make up incarnations, not keys): each grant is a synced write and a signature of the donor. */
export interface Door {
  lets(account: Pick<Account, 'peer'>, nowMs: number): boolean
}

// A search asks a donor once, and a busy node searches a few times a second.
const BURST = 240
const PER_SECOND = 4
// More than a mesh has members.
const MAX_PEERS = 256

export function createDoor(): Door {
  const buckets = new Map<PeerId, { readonly left: number; readonly atMs: number }>()
  return {
    lets({ peer }, nowMs) {
      const { left, atMs } = buckets.get(peer) ?? { left: BURST, atMs: nowMs }
      const filled = Math.min(BURST, left + (Math.max(0, nowMs - atMs) / 1_000) * PER_SECOND)
      buckets.delete(peer)
      buckets.set(peer, { left: filled >= 1 ? filled - 1 : filled, atMs: nowMs })
      const [oldest] = buckets.keys()
      if (buckets.size > MAX_PEERS && oldest !== undefined) buckets.delete(oldest)
      return filled >= 1
    },
  }
}
