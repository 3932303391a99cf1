import type { Alert, Manifest, PeerId } from '@bzzz/protocols'

/**
 * The highest level that is reached for certain: by what is known to be spent, held or lost, never by what silent nodes may
 * have spent. Nothing is reached of a limit of zero, of which nothing can be spent.
 */
export function levelReached(
  { spent, limit }: { readonly spent: bigint; readonly limit: bigint },
  thresholds: Manifest['thresholds'],
): Alert['level'] | undefined {
  const reached = (threshold: number): boolean => spent > 0n && spent * 1_000n >= BigInt(threshold) * limit
  if (limit === 0n) return undefined
  if (reached(thresholds.critical)) return 'critical'
  return reached(thresholds.warning) ? 'warning' : undefined
}

/**
 * How many nodes are to tell an alert before this one: those with rights that are reached, in the order of their ids. A node
 * without rights comes last.
 * @param holders peers with an allotment; may name one several times
 * @param online does not have to hold this node
 */
export function rankOf(self: PeerId, holders: readonly PeerId[], online: ReadonlySet<PeerId>): number {
  const live = [...new Set(holders)].filter((peer) => peer === self || online.has(peer)).toSorted()
  const place = live.indexOf(self)
  return place === -1 ? live.length : place
}
