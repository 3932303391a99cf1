import { type EntryOf, isType, type PeerId, parseAgentId, type ThreadId, threadIdMs } from '@bzzz/protocols'
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
  /** Every entry is followed by one that archives: whatever is written then, but another such one, takes the thread out again. */
  readonly archived: boolean
  /** Of all envelopes in the log. */
  readonly bytes: number
  /** What the log takes on this disk, before the database compresses on its own: less than `bytes` once it is archived. */
  readonly storedBytes: number
}

/** Where a document belongs that continues a thread. */
export interface Continuation {
  readonly of: ThreadId
  readonly part: number
}

/** What of a verdict tells whose word counts. */
type Verdict = Pick<EntryOf<'verdict'>, 'outcome' | 'round' | 'proposal' | 'author'>

/** What the index keeps of one document: of a thread, as far as it goes, or of a later part of one. */
export interface PartSummary extends ThreadSummary {
  readonly continues?: Continuation
  /** Whose verdicts can count, ascending; once the opening entry is here. */
  readonly keepers?: readonly PeerId[]
  /** What each peer's come to, by ascending peer. */
  readonly verdicts?: readonly (Verdict & { readonly peer: PeerId })[]
}

/** What does not follow from entries one by one. */
export type Totals = Pick<ThreadSummary, 'entries' | 'archived' | 'bytes' | 'storedBytes'>

/** The facts of a summary that depend on more than one entry; joined entry by entry, in any order. */
export interface Standing {
  readonly opened?: ViewedEntry & { readonly entry: EntryOf<'open'> }
  /** One of each peer; whose counts is known once the opening entry is. */
  readonly verdicts: ReadonlyMap<PeerId, EntryOf<'verdict'>>
  readonly continues?: Continuation
  readonly lastMs: number
}

export const untouched: Standing = { verdicts: new Map(), lastMs: 0 }

/** The first opening entry counts, by sequence number, then change hash: only one peer can write them. */
export function stand(before: Standing, viewed: ViewedEntry): Standing {
  const { entry } = viewed
  const after = { ...before, lastMs: Math.max(before.lastMs, entry.ts) }
  if (isType(entry, 'open')) return { ...after, opened: firstOpened(before.opened, { ...viewed, entry }) }
  if (isType(entry, 'continue')) return { ...after, continues: { of: entry.of, part: entry.part } } // all shown ones say the same
  if (!isType(entry, 'verdict')) return after
  const verdict = weightier(before.verdicts.get(viewed.peer), entry)
  return { ...after, verdicts: new Map(before.verdicts).set(viewed.peer, verdict) }
}

function firstOpened<T extends ViewedEntry>(known: T | undefined, other: T): T {
  if (known === undefined) return other
  const earlier = other.seq - known.seq || (other.change < known.change ? -1 : 1)
  return earlier < 0 ? other : known
}

/** As a review weighs them: an outcome before an escalation, then the smaller (round, proposal). */
function weightier<T extends Verdict>(known: T | undefined, other: T): T {
  if (known === undefined) return other
  const rank = ({ outcome }: Verdict) => Number(outcome === 'escalated')
  const name = ({ proposal, author }: Verdict) => `${proposal}/${author}`
  const before = rank(other) - rank(known) || other.round - known.round || (name(other) < name(known) ? -1 : 1)
  return before < 0 ? other : known
}

/** The opener's node and the seats' homes: nobody else may end a review. */
function keepersOf(opened: NonNullable<Standing['opened']>): PeerId[] {
  const homes = opened.entry.review?.seats.flatMap(({ agent }) => parseAgentId(agent)?.peer ?? []) ?? []
  return [...new Set([opened.peer, ...homes])].sort()
}

/** Whether votes bear it out, only a review can tell. */
function stateOf({ keepers = [], verdicts = [] }: Pick<PartSummary, 'keepers' | 'verdicts'>): ThreadSummary['state'] {
  const kept = verdicts.filter(({ peer }) => keepers.includes(peer))
  return kept.reduce<Verdict | undefined>(weightier, undefined)?.outcome ?? 'active'
}

export function summaryOf(thread: ThreadId, standing: Standing, totals: Totals): PartSummary {
  const { opened, continues, verdicts, lastMs } = standing
  const createdMs = threadIdMs(thread)
  const voices = {
    ...(continues === undefined ? {} : { continues }),
    ...(opened === undefined ? {} : { keepers: keepersOf(opened) }),
    ...(verdicts.size === 0 ? {} : { verdicts: verdictRows(verdicts) }),
  }
  return {
    thread,
    topic: opened?.entry.topic ?? '',
    project: opened?.entry.project ?? '',
    createdMs,
    lastMs: Math.max(createdMs, lastMs),
    state: stateOf(voices),
    ...totals,
    ...voices,
  }
}

function verdictRows(verdicts: Standing['verdicts']): NonNullable<PartSummary['verdicts']> {
  const rows = [...verdicts].map(([peer, { outcome, round, proposal, author }]) => ({
    peer,
    outcome,
    round,
    proposal,
    author,
  }))
  return rows.sort((a, b) => (a.peer < b.peer ? -1 : 1))
}

/** @param first the thread's own document @param later its further parts, in order */
export function wholeSummary(
  { keepers, verdicts = [], continues: _, ...first }: PartSummary,
  later: readonly PartSummary[],
): ThreadSummary {
  if (later.length === 0) return first
  const parts = [first, ...later]
  const sum = (count: (part: ThreadSummary) => number) => parts.reduce((all, part) => all + count(part), 0)
  return {
    ...first,
    lastMs: Math.max(...parts.map(({ lastMs }) => lastMs)),
    state: stateOf({
      ...(keepers === undefined ? {} : { keepers }),
      verdicts: [...verdicts, ...later.flatMap((part) => part.verdicts ?? [])],
    }),
    entries: sum(({ entries }) => entries),
    archived: parts.every(({ archived }) => archived),
    bytes: sum(({ bytes }) => bytes),
    storedBytes: sum(({ storedBytes }) => storedBytes),
  }
}
