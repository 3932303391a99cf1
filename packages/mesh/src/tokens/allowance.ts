import type { PeerId } from '@bzzz/protocols'

/** So many a second from each peer, counted in whole seconds. Ask of members only: one number is kept for each. */
export interface Allowance {
  /** @returns false when this one is too many */
  takes(peer: PeerId): boolean
}

export function createAllowance(perSecond: number, nowMs: () => number = () => performance.now()): Allowance {
  const taken = new Map<PeerId, number>()
  let second = Number.NEGATIVE_INFINITY
  return {
    takes(peer) {
      const now = Math.floor(nowMs() / 1000)
      if (now !== second) taken.clear()
      second = now
      const count = (taken.get(peer) ?? 0) + 1
      taken.set(peer, count)
      return count <= perSecond
    },
  }
}
