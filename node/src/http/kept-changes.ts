import type { ChangeSet } from '@bzzz/protocols'

export type ReadChange = (hash: string) => Promise<ChangeSet | undefined>

// A change of 8 MiB takes some ten times that once its lines are laid out.
const MAX_KEPT = 4

/** Keeps the changes that were read last: whoever follows a review asks for its report again and again. */
export function keptChanges(read: ReadChange): ReadChange {
  /** Least recently used first. */
  const kept = new Map<string, ChangeSet>()
  return async (hash) => {
    const change = kept.get(hash) ?? (await read(hash))
    if (change === undefined) return undefined
    kept.delete(hash)
    kept.set(hash, change)
    for (const oldest of kept.keys()) {
      if (kept.size <= MAX_KEPT) break
      kept.delete(oldest)
    }
    return change
  }
}
