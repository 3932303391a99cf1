import { createHash } from 'node:crypto'
import type { ChangeSet, Entry, Finding, ThreadId } from '@bzzz/protocols'
import type { z } from 'zod'
import { verifyFinding } from '../change/evidence.ts'
import { ModelError } from '../model/model.ts'
import type { DueTurn, Question } from '../review/due.ts'
import type { Remark } from '../review/prompt.ts'
import {
  discussionReply,
  findingsReply,
  type ProposalReply,
  proposalReply,
  type RawFindings,
  readReply,
  voteReply,
} from '../review/replies.ts'
import { type Coverage, planSteps, type Step } from '../review/steps.ts'
import type { SeatFindings } from '../review/task.ts'
import { type Call, type CallResult, makeCall } from './call.ts'
import {
  boundedClaim,
  findingEntry,
  groundedRefs,
  messageEntry,
  proposalEntry,
  turnHead,
  voteEntry,
} from './entries.ts'
import type { Waiting } from './hold.ts'
import type { TurnTools } from './ports.ts'
import { fitsWindow, fittingQuestion, questionFor } from './question.ts'

/** A turn with all that it needs to be taken. */
export interface Turn {
  readonly thread: ThreadId
  readonly due: DueTurn
  readonly change: ChangeSet
  /** What was said before; never part of a first reading. */
  readonly remarks: readonly Remark[]
  /** Told each time that money was held for the turn, before the request leaves. */
  readonly admitted: () => Promise<void>
  readonly waiting: Waiting
}

export type TurnResult =
  | { readonly status: 'ready'; readonly entry: Entry }
  | Exclude<CallResult<never>, { status: 'answered' }>

/** Makes the calls of a turn, those already paid for excepted, and puts their replies into its one entry. */
export function takeTurn(turn: Turn, tools: TurnTools): Promise<TurnResult> {
  const { question } = turn.due
  return question.phase === 'findings' ? takeReading(turn, tools) : takeAnswer(turn, question, tools)
}

async function takeReading(turn: Turn, tools: TurnTools): Promise<TurnResult> {
  const { due, change } = turn
  const questionOf = (step: Step) => questionFor({ phase: 'findings', role: due.role, ...step }, tools)
  const plan = planSteps(change, (step) => fitsWindow(questionOf(step), tools.provider))
  const replies: RawFindings[] = []
  const unread = new Map<string, string>()
  for (const [step, shown] of plan.steps.entries()) {
    const question = questionOf(shown)
    const result = await ask(turn, findingsReply, { step, question, about: hashOf(question.prompt) }, tools)
    if (result.status === 'answered') replies.push(result.reply)
    else if (result.status === 'failed' && isAboutPart(result.error, plan.steps.length)) {
      for (const file of shown.files) unread.set(file, `${result.error.code}: ${result.error.message}`.slice(0, 200))
    } else return result
  }
  const coverage = plan.coverage.map((row) => withFailure(row, unread.get(row.file)))
  const { findings, left } = checkedFindings(change, replies)
  const entry = findingEntry(await turnHead(due, tools), summaryOf(replies, left), findings, coverage)
  return { status: 'ready', entry }
}

/** What is wrong with one part of a large change costs that part, not the seat. */
function isAboutPart({ code }: ModelError, steps: number): boolean {
  return steps > 1 && (code === 'REFUSED' || code === 'BAD_REPLY' || code === 'INVALID_REQUEST')
}

function withFailure(row: Coverage, reason: string | undefined): Coverage {
  return reason === undefined ? row : { file: row.file, reviewed: false, reason }
}

function summaryOf(replies: readonly RawFindings[], left: number): string {
  const words = replies.map(({ summary }) => summary.trim()).join('\n') || 'Nothing in this change could be read.'
  return left === 0 ? words : `${words}\n(${left} claims without a usable place or quote were left out.)`
}

/** Evidence is looked up in the whole change before a finding is written, whichever part the call was shown. */
function checkedFindings(change: ChangeSet, replies: readonly RawFindings[]): { findings: Finding[]; left: number } {
  const claims = replies.flatMap(({ findings }) => findings)
  const findings = claims.flatMap((claim) => {
    const bounded = boundedClaim(claim)
    return bounded === undefined ? [] : [verifyFinding(change, bounded)]
  })
  return { findings, left: claims.length - findings.length }
}

async function takeAnswer(
  turn: Turn,
  asked: Exclude<Question, { phase: 'findings' }>,
  tools: TurnTools,
): Promise<TurnResult> {
  const { due, change, remarks } = turn
  const { round } = due
  const question = fittingQuestion({ ...asked, change }, remarks, tools)
  if (question === undefined) return { status: 'failed', error: tooLarge(tools) }
  const { findings } = asked
  switch (asked.phase) {
    case 'discussion': {
      const result = await ask(turn, discussionReply, { step: 0, question, about: 'discussion' }, tools)
      return entryOr(result, async (reply) => messageEntry(await turnHead(due, tools), round, reply))
    }
    case 'proposal': {
      const grounds = (reply: ProposalReply) => requireGrounds(reply, findings)
      const result = await ask(turn, proposalReply, { step: 0, question, about: 'proposal' }, tools, grounds)
      return entryOr(result, async (reply) => proposalEntry(await turnHead(due, tools), round, reply, findings))
    }
    case 'vote': {
      const { proposalHash } = asked
      const result = await ask(turn, voteReply, { step: 0, question, about: proposalHash }, tools)
      return entryOr(result, async (reply) =>
        voteEntry(await turnHead(due, tools), round, proposalHash, reply, findings),
      )
    }
  }
}

async function entryOr<T>(result: CallResult<T>, entry: (reply: T) => Promise<Entry>): Promise<TurnResult> {
  return result.status === 'answered' ? { status: 'ready', entry: await entry(result.reply) } : result
}

async function ask<S extends z.ZodType>(
  { thread, due, admitted, waiting }: Turn,
  shape: S,
  what: Pick<Call<unknown>, 'step' | 'question' | 'about'>,
  tools: TurnTools,
  check: (reply: z.output<S>) => void = () => {},
): Promise<CallResult<z.output<S>>> {
  const read = (text: string) => {
    const reply = readReply(shape, text)
    check(reply)
    return reply
  }
  const { turn, agent, phase, round } = due
  return makeCall({ thread, turn, agent, phase, round, ...what, admitted, waiting, read }, tools)
}

/** Changes are requested for a reason that was proven, or not at all: such a reply is asked for again. */
function requireGrounds({ outcome, blocking }: ProposalReply, findings: readonly SeatFindings[]): void {
  if (outcome === 'approved' || groundedRefs(blocking, findings).length > 0) return
  throw new ModelError('BAD_REPLY', 'it requests changes and names no finding with evidence', { billed: 'unknown' })
}

function tooLarge({ agent }: TurnTools): ModelError {
  const message = `the question does not fit the window of ${agent.model}, even without the change`
  return new ModelError('INVALID_REQUEST', message, { billed: 'no', retryable: false })
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
