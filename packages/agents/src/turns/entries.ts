import { type EntryOf, type Finding, finding, MAX_ENTRY_BYTES, type ThreadId, type TurnId } from '@bzzz/protocols'
import { idOf } from '../review/decision.ts'
import type { DueTurn } from '../review/due.ts'
import { verifiedRefs } from '../review/record.ts'
import type { DiscussionReply, ProposalReply, VoteReply } from '../review/replies.ts'
import { bySeverity } from '../review/severity.ts'
import type { Coverage } from '../review/steps.ts'
import type { SeatFindings } from '../review/task.ts'
import type { CallState, TurnTools } from './ports.ts'

/** What all calls of a turn so far used and cost. */
export interface TurnCost {
  readonly tokens: { readonly input: number; readonly output: number }
  readonly cost: string
  readonly simulated?: true
}

/** What every entry of a turn says: whose it is, and what its calls used and cost. */
export interface TurnHead extends TurnCost {
  readonly id: TurnId
  readonly turn: TurnId
  readonly author: string
  readonly ts: number
  readonly model: string
}

export async function turnHead(due: DueTurn, tools: TurnTools): Promise<TurnHead> {
  const { turn, agent } = due
  return { id: turn, turn, author: agent, ts: tools.now(), model: tools.agent.model, ...(await turnCost(due, tools)) }
}

/** Failed attempts are in the cost too, and a call without evidence counts with its whole hold. */
export async function turnCost({ turn }: Pick<DueTurn, 'turn'>, tools: TurnTools): Promise<TurnCost> {
  const calls = await tools.budget.callsOf(turn)
  const simulated = tools.provider.simulated || calls.some((call) => call.simulated)
  const total = (of: (call: CallState) => number) => calls.reduce((sum, call) => sum + of(call), 0)
  return {
    tokens: { input: total(({ usage }) => usage?.input ?? 0), output: total(({ usage }) => usage?.output ?? 0) },
    cost: String(calls.reduce((sum, call) => sum + chargeOf(call), 0n)),
    ...(simulated ? { simulated: true as const } : {}),
  }
}

function chargeOf({ state, actual, max }: CallState): bigint {
  return state === 'settled' ? (actual ?? max) : state === 'released' ? 0n : max
}

const MAX_FINDINGS = 500
const MAX_COVERAGE_BYTES = 48 * 1024

/** The most severe findings that an entry takes; its words say how many are left out. */
export function findingEntry(
  head: TurnHead,
  summary: string,
  findings: readonly Finding[],
  coverage: readonly Coverage[],
): EntryOf<'finding'> {
  const sorted = findings.toSorted(bySeverity)
  const rows = fittingCoverage(coverage)
  const entryWith = (kept: readonly Finding[], left: number): EntryOf<'finding'> => {
    const content = clipped(left === 0 ? summary : `${summary}\n(${left} less severe findings did not fit this entry.)`)
    return { ...head, type: 'finding', content, findings: [...kept], coverage: rows }
  }
  const bare = Math.max(jsonBytes(entryWith([], 0)), jsonBytes(entryWith([], sorted.length)))
  const kept = fittingFindings(sorted, MAX_ENTRY_BYTES - bare)
  return entryWith(kept, sorted.length - kept.length)
}

/** The first ones whose JSON, each with a comma, goes into so many bytes. */
function fittingFindings(sorted: readonly Finding[], room: number): Finding[] {
  const candidates = sorted.slice(0, MAX_FINDINGS)
  let used = 0
  const tooMany = candidates.findIndex((finding) => {
    used += jsonBytes(finding) + 1
    return used > room
  })
  return tooMany === -1 ? candidates : candidates.slice(0, tooMany)
}

function jsonBytes(value: object): number {
  return Buffer.byteLength(JSON.stringify(value))
}

/**
 * `*` stands for every file that has no row of its own. What was not read is never folded into what was; where even that
 * is too much, as many of those that were read as fit keep their row, since a change of which nothing was read ends there.
 */
function fittingCoverage(rows: readonly Coverage[]): Coverage[] {
  const fits = (list: readonly Coverage[]) => jsonBytes(list) <= MAX_COVERAGE_BYTES
  if (fits(rows)) return [...rows]
  const unread = rows.filter((row) => !row.reviewed)
  const folded = [{ file: '*', reviewed: true, reason: `${rows.length - unread.length} files` }, ...unread]
  if (fits(folded)) return folded
  const kept: Coverage[] = [{ file: '*', reviewed: false, reason: `${unread.length} of ${rows.length} files` }]
  let used = jsonBytes(kept)
  for (const row of rows.filter(({ reviewed }) => reviewed)) {
    used += jsonBytes(row) + 1
    if (used > MAX_COVERAGE_BYTES) break
    kept.push(row)
  }
  return kept
}

/**
 * A model's claim within the bounds of a finding: long texts are clipped, visibly. The quote is not, since a clipped one
 * may prove something else: a claim with an overlong one is left out like any other that cannot be a finding.
 */
export function boundedClaim(
  claim: {
    readonly [member in 'severity' | 'file' | 'rule' | 'quote' | 'message']: string
  } & { readonly line: number; readonly suggestion?: string | null | undefined },
): Omit<Finding, 'verified'> | undefined {
  const { suggestion, ...rest } = claim
  const bounded = {
    ...rest,
    line: Math.max(1, Math.round(claim.line)),
    rule: clipped(claim.rule, 128) || 'unnamed',
    message: clipped(claim.message, 4_000),
    ...(suggestion ? { suggestion: clipped(suggestion, 4_000) } : {}),
  }
  return finding.omit({ verified: true }).safeParse(bounded).data
}

export function messageEntry(head: TurnHead, round: number, { content }: DiscussionReply): EntryOf<'message'> {
  return { ...head, type: 'message', round, content: clipped(content) }
}

export function proposalEntry(
  head: TurnHead,
  round: number,
  { outcome, blocking, content }: ProposalReply,
  findings: readonly SeatFindings[],
): EntryOf<'proposal'> {
  return {
    ...head,
    type: 'proposal',
    round,
    outcome,
    blocking: groundedRefs(blocking, findings),
    content: clipped(content),
  }
}

export function voteEntry(
  head: TurnHead,
  round: number,
  proposal: string,
  { choice, blockers, content }: VoteReply,
  findings: readonly SeatFindings[],
): EntryOf<'vote'> {
  const refs = groundedRefs(blockers, findings)
  return { ...head, type: 'vote', round, proposal, choice, blockers: refs, content: clipped(content) }
}

/** A ref that stands for no finding with evidence counts for nothing; what a model meant by it is in its words. */
export function groundedRefs(refs: readonly string[], seats: readonly SeatFindings[]): string[] {
  const proven = new Set(seats.flatMap(({ entry, findings }) => verifiedRefs(entry, findings)))
  return [...new Set(refs)].filter((ref) => proven.has(ref)).slice(0, 500)
}

/**
 * @param nth how often the turn was paused before: one note per pause, however often it is tried
 * @param cost of the whole turn so far, where it may be the turn's last word
 */
export function noteEntry(
  thread: ThreadId,
  { turn, agent }: DueTurn,
  code: 'paused' | 'resumed' | 'unavailable',
  nth: number,
  content: string,
  ts: number,
  cost?: TurnCost,
): EntryOf<'note'> {
  return {
    type: 'note',
    id: idOf('note', thread, turn, code, String(nth)),
    author: agent,
    ts,
    code,
    turn,
    content: clipped(content, 2_000),
    ...cost,
  }
}

/** Even if each character takes six bytes of JSON, words leave an entry room for what goes with them. */
const MAX_WORDS_CHARS = 10_000

function clipped(text: string, max = MAX_WORDS_CHARS): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).toWellFormed()}…`
}
