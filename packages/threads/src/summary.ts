import { type EntryOf, isType, type ThreadId, threadIdMs } from '@bzzz/protocols'
import type { ViewedEntry } from './view.ts'

/** What a list of threads says of one, without opening it. */
export interface ThreadSummary {
  readonly thread: ThreadId
  /** Empty until the opening entry has come. */
  readonly topic: string
  readonly project: string
  /** From the thread's id. */
  readonly createdMs: number
  /** Time of the latest entry, by its author's clock. */
  readonly lastMs: number
  readonly entries: number
  readonly state: 'active' | 'approved' | 'changes_requested' | 'escalated'
  /** Of all envelopes in the log. */
  readonly bytes: number
}

/** The facts of a summary that depend on more than one entry; joined entry by entry, in any order. */
export interface Standing {
  readonly opened?: ViewedEntry & { readonly entry: EntryOf<'open'> }
  readonly verdict?: ViewedEntry & { readonly entry: EntryOf<'verdict'> }
  readonly lastMs: number
}

export const untouched: Standing = { lastMs: 0 }

/** The first opening entry (by sequence number, then change hash: only one peer can write them) and the first verdict (by round, then change hash) count. */
export function stand(before: Standing, viewed: ViewedEntry): Standing {
  const { entry } = viewed
  const after = { ...before, lastMs: Math.max(before.lastMs, entry.ts) }
  if (isType(entry, 'open')) return { ...after, opened: first(before.opened, { ...viewed, entry }, () => viewed.seq) }
  if (isType(entry, 'verdict')) return { ...after, verdict: first(before.verdict, { ...viewed, entry }, roundOf) }
  return after
}

function roundOf(viewed: { entry: EntryOf<'verdict'> }): number {
  return viewed.entry.round
}

function first<T extends ViewedEntry>(known: T | undefined, other: T, rank: (viewed: T) => number): T {
  if (known === undefined) return other
  const earlier = rank(other) - rank(known) || (other.change < known.change ? -1 : 1)
  return earlier < 0 ? other : known
}

export function summaryOf(
  thread: ThreadId,
  standing: Standing,
  totals: { entries: number; bytes: number },
): ThreadSummary {
  const createdMs = threadIdMs(thread)
  return {
    thread,
    topic: standing.opened?.entry.topic ?? '',
    project: standing.opened?.entry.project ?? '',
    createdMs,
    lastMs: Math.max(createdMs, standing.lastMs),
    entries: totals.entries,
    state: standing.verdict?.entry.outcome ?? 'active',
    bytes: totals.bytes,
  }
}
