import type { Latest } from '@bzzz/protocols'

/** Where an actor ends that signed two different changes with one sequence number. */
export interface Cut {
  readonly seq: number
  /** The smallest hash of its changes with that number: the last one of its changes that stands. */
  readonly hash: string
  /** Of another one; the two envelopes together are the proof. */
  readonly rival: string
}

export type Cuts = ReadonlyMap<string, Cut>

interface Signed extends Latest {
  readonly actor: string
  readonly deps: readonly string[]
}

/** False for what an actor signed beyond its end, or beside it. */
export function stands({ seq, hash }: Latest, cut: Cut | undefined): boolean {
  return cut === undefined || seq < cut.seq || (seq === cut.seq && hash === cut.hash)
}

/**
 * The earlier of two ends, by sequence number, then hash. It does not matter in which order clashes are found, or how
 * often: whoever knows the same envelopes has the same ends, and an end only moves towards the beginning.
 */
export function earlier(cut: Cut | undefined, found: Cut): Cut {
  if (cut === undefined) return found
  const isEarlier = found.seq < cut.seq || (found.seq === cut.seq && found.hash < cut.hash)
  return isEarlier ? found : cut
}

/** @param other a change of the same actor with the same number, if one is known @returns the actor's end from now on */
export function cutBy(change: Latest, other: Pick<Latest, 'hash'> | undefined, cut: Cut | undefined): Cut | undefined {
  if (other === undefined || other.hash === change.hash) return cut
  const [hash, rival] = change.hash < other.hash ? [change.hash, other.hash] : [other.hash, change.hash]
  return earlier(cut, { seq: change.seq, hash, rival })
}

/**
 * What of a log no longer stands: what its actor signed beyond its end, and whatever follows such a change.
 * @param log causes before effects
 * @returns by hash, ascending by cause, the hash of the change that beat it, or that beat what it follows
 */
export function lostOf(log: readonly Signed[], cuts: Cuts): Map<string, string> {
  const lost = new Map<string, string>()
  for (const { actor, seq, hash, deps } of log) {
    const cut = cuts.get(actor)
    const cause = deps.find((dep) => lost.has(dep))
    const beatenBy = cut !== undefined && !stands({ seq, hash }, cut) ? cut.hash : lost.get(cause ?? '')
    if (beatenBy !== undefined) lost.set(hash, beatenBy)
  }
  return lost
}
