import type { EntryView } from '@bzzz/protocols'

export interface FollowedEntriesOptions {
  readonly show: (entry: EntryView) => void
  /** Shown before, and no longer in the thread. */
  readonly withdraw: (entry: EntryView) => void
}

export interface FollowedEntries {
  /** One that is in the thread, perhaps shown before. */
  came(entry: EntryView): void
  /** All that are in the thread. */
  are(entries: readonly EntryView[]): void
}

/** Shows each entry of a thread once, however often it is told: also one that was taken back and written again. */
export function createFollowedEntries({ show, withdraw }: FollowedEntriesOptions): FollowedEntries {
  const shown = new Map<string, EntryView>()

  function came(entry: EntryView): void {
    if (!shown.has(keyOf(entry))) show(entry)
    shown.set(keyOf(entry), entry)
  }

  return {
    came,
    are(entries) {
      const still = new Set(entries.map(keyOf))
      for (const [key, entry] of shown) {
        if (still.has(key)) continue
        shown.delete(key)
        withdraw(entry)
      }
      for (const entry of entries) came(entry)
    },
  }
}

/** An id is of its author's; the change that holds it is another one when it was written again. */
function keyOf({ author, id }: EntryView): string {
  return `${author}/${id}`
}
