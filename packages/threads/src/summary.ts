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

/** What does not follow from entries one by one. */
export type Totals = Pick<ThreadSummary, 'entries' | 'archived' | 'bytes' | 'storedBytes'>

/** The facts of a summary that depend on more than one entry; joined entry by entry, in any order. */
export interface Standing {
  readonly opened?: ViewedEntry & { readonly entry: EntryOf<'open'> }
  /** One of each peer; whose counts is known once the opening entry is. */
  readonly verdicts: ReadonlyMap<PeerId, EntryOf<'verdict'>>
  readonly lastMs: number
}

export const untouched: Standing = { verdicts: new Map(), lastMs: 0 }

/** The first opening entry counts, by sequence number, then change hash: only one peer can write them. */
export function stand(before: Standing, viewed: ViewedEntry): Standing {
  const { entry } = viewed
  const after = { ...before, lastMs: Math.max(before.lastMs, entry.ts) }
  if (isType(entry, 'open')) return { ...after, opened: firstOpened(before.opened, { ...viewed, entry }) }
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
function weightier(known: EntryOf<'verdict'> | undefined, other: EntryOf<'verdict'>): EntryOf<'verdict'> {
  if (known === undefined) return other
  const rank = ({ outcome }: EntryOf<'verdict'>) => Number(outcome === 'escalated')
  const name = ({ proposal, author }: EntryOf<'verdict'>) => `${proposal}/${author}`
  const before = rank(other) - rank(known) || other.round - known.round || (name(other) < name(known) ? -1 : 1)
  return before < 0 ? other : known
}

/** Of the opener's node or a seat's home: nobody else may end a review. Whether votes bear it out, only a review can tell. */
function standingVerdict({ opened, verdicts }: Standing): EntryOf<'verdict'> | undefined {
  const homes = opened?.entry.review?.seats.map(({ agent }) => parseAgentId(agent)?.peer) ?? []
  const keepers = new Set([opened?.peer, ...homes])
  const kept = [...verdicts].filter(([peer]) => keepers.has(peer)).map(([, verdict]) => verdict)
  return kept.reduce<EntryOf<'verdict'> | undefined>(weightier, undefined)
}

export function summaryOf(thread: ThreadId, standing: Standing, totals: Totals): ThreadSummary {
  const createdMs = threadIdMs(thread)
  return {
    thread,
    topic: standing.opened?.entry.topic ?? '',
    project: standing.opened?.entry.project ?? '',
    createdMs,
    lastMs: Math.max(createdMs, standing.lastMs),
    state: standingVerdict(standing)?.outcome ?? 'active',
    ...totals,
  }
}
