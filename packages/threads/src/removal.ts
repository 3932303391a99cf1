import type { Operation } from '@bzzz/store'
import type { Arrival } from './arrival.ts'
import type { Catalog } from './catalog.ts'
import { type Cut, type Cuts, lostOf } from './equivocation.ts'
import type { LoadedThread } from './loaded.ts'
import type { ChangeLog, Logged } from './log.ts'
import type { Quarantine, Quarantined } from './quarantine.ts'
import type { ViewedEntry } from './view.ts'

/** What is kept of all threads. */
interface Stored {
  readonly catalog: Catalog
  readonly quarantine: Quarantine
  readonly log: ChangeLog
}

/** What was found: two changes of one actor with one number. */
export interface Clash {
  readonly arrival: Arrival
  /** Came with it and is not on disk yet: the other change may be among them. */
  readonly staged: readonly Arrival[]
  /** Where the actor ends from now on. */
  readonly cut: Cut
}

/** What goes from the log of a thread because an actor ends earlier than was known. */
export interface Removal {
  /** What showed it. */
  readonly arrival: Arrival
  readonly cut: Cut
  readonly cuts: Cuts
  /** Changes that stay, causes before effects. */
  readonly kept: readonly Arrival[]
  readonly lostChanges: readonly Arrival[]
  /** Entries that were shown, in the order of their changes. */
  readonly lost: readonly ViewedEntry[]
  /** Takes the lost changes out of the log, into quarantine. */
  readonly operations: readonly Operation[]
}

/** @param log all of the thread, as it is on disk @param loaded the same thread as it was shown until now */
export async function removalOf(
  { catalog, quarantine, log: changeLog }: Stored,
  loaded: LoadedThread,
  log: readonly Arrival[],
  { arrival, staged, cut }: Clash,
): Promise<Removal> {
  const { thread } = loaded
  const cuts = new Map([...catalog.cuts(thread), [arrival.header.actor, cut]])
  const ordered = log.toSorted((a, b) => a.header.startOp - b.header.startOp)
  const beatenBy = lostOf(
    ordered.map(({ header }) => header),
    cuts,
  )
  const lostChanges = ordered.filter(({ header }) => beatenBy.has(header.hash))
  const beaten = lostChanges.map(
    ({ header: { hash }, bytes: envelope }): Quarantined => ({
      hash,
      reason: 'beaten',
      beatenBy: beatenBy.get(hash) ?? '',
      envelope,
    }),
  )
  const rows = [...beaten, ...proofOf(cut, [...log, ...staged, arrival])] // of two rows of one change the later one stays
  const expanded = await changeLog.expand(thread)
  const operations = [
    ...expanded,
    ...lostChanges.map(({ header }) => changeLog.del(thread, header)),
    ...(await quarantine.put(thread, rows, cuts)),
  ]
  const kept = ordered.filter(({ header }) => !beatenBy.has(header.hash))
  return { arrival, cut, cuts, kept, lostChanges, lost: entriesOf(loaded, [...beatenBy.keys()]), operations }
}

/** Both changes of the clash, as far as they are not in quarantine since an earlier one. */
function proofOf({ hash, rival }: Cut, known: readonly Arrival[]): Quarantined[] {
  return known
    .filter(({ header }) => header.hash === hash || header.hash === rival)
    .map(({ header, bytes: envelope }) => {
      const beatenBy = header.hash === hash ? '' : hash
      return { hash: header.hash, reason: 'proof', beatenBy, envelope }
    })
}

function entriesOf(loaded: LoadedThread, changes: readonly string[]): ViewedEntry[] {
  const places = new Map(changes.map((hash, place) => [hash, place]))
  const place = ({ change }: ViewedEntry) => places.get(change) ?? 0
  const entries = loaded.view().entries.filter(({ change }) => places.has(change))
  return entries.toSorted((a, b) => place(a) - place(b) || a.index - b.index)
}

export function loggedOf({ header: { actor, seq, hash }, bytes }: Arrival): Logged {
  return { actor, seq, hash, bytes }
}
