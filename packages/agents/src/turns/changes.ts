import type { ChangeSet } from '@bzzz/protocols'
import { decodeChangeSet } from '../change/encoding.ts'

/** Change sets in memory; each may weigh megabytes, and the turns of one review ask for the same one. */
const MAX_KEPT = 4

/**
 * @returns reads a change by its hash, once for all turns that ask at the same time. Undefined when no node at hand has it.
 * What the reader throws (ProtocolError for a blob that is no change set) is not kept.
 */
export function createChangeReader(
  fetchBlob: (hash: string, options: { signal: AbortSignal }) => Promise<Uint8Array | undefined>,
  signal: AbortSignal,
): (hash: string) => Promise<ChangeSet | undefined> {
  const kept = new Map<string, Promise<ChangeSet | undefined>>()

  async function read(hash: string): Promise<ChangeSet | undefined> {
    try {
      const bytes = await fetchBlob(hash, { signal })
      if (bytes !== undefined) return decodeChangeSet(bytes)
      kept.delete(hash)
      return undefined
    } catch (error) {
      kept.delete(hash)
      throw error
    }
  }

  return (hash) => {
    const change = kept.get(hash) ?? read(hash)
    kept.delete(hash)
    kept.set(hash, change) // last used, last dropped
    const [oldest] = kept.keys()
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
    return change
  }
}
