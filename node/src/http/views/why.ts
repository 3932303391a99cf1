import { type PausedTurn, pausedTurns } from '@bzzz/agents'
import type { CallState } from '@bzzz/budget'
import {
  type CallId,
  type CallView,
  isType,
  type Period,
  type ThreadCap,
  type ThreadId,
  threadPeriod,
  usdOf,
  type WhyAnswer,
} from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'
import { ProblemError } from '../problems.ts'
import { ambiguousWords, namedBy, unknownWords } from './about.ts'
import { isoTime, nodeNames } from './names.ts'
import { periodView, type Standing, standingOf, threadStanding } from './periods.ts'
import { remediesFor } from './remedies.ts'
import { uncertainSumOf } from './settlements.ts'
import { pausedView, type WaitingCall, waitingView } from './waiting.ts'

/** What somebody asks about, and what of it stands still. */
interface Question {
  readonly about: WhyAnswer['about']
  readonly waiting: readonly WaitingCall[]
  readonly paused: WhyAnswer['paused']
  readonly calls: readonly CallState[]
  /** Besides those that calls wait for and the running ones. */
  readonly periods: readonly Period[]
  readonly cap: ThreadCap | undefined
}

export async function whyView(
  ports: DoorPorts,
  about: string | undefined,
  nowMs: number,
  signal: AbortSignal,
): Promise<WhyAnswer> {
  const question = await read(ports, about)
  const { waiting, paused, calls } = question
  const standings = await standingsFor(ports, question, nowMs, signal)
  const concerned = new Set(standings.map(({ own }) => own.period as string))
  const names = nodeNames(ports)
  const asked = ports.rights.whoWasAsked().filter(({ periods }) => periods.some((period) => concerned.has(period)))
  const uncertain = await uncertainSumOf(ports.budget)
  const frozen = question.about.kind === 'node' || paused.length > 0 ? ports.budget.report().frozenModels : []
  return {
    about: question.about,
    node_id: ports.node.label,
    summary: summaryOf(question, ports),
    waiting: waiting.map(waitingView),
    paused,
    calls: calls.map(callView),
    periods: standings.map((standing) => periodView(ports, standing)),
    asked: asked.toReversed().map(({ peer, atMs, periods, answer, reason }) => {
      return { node_id: names(peer), peer_id: peer, at: isoTime(atMs), periods: [...periods], answer, reason }
    }),
    remedies: remediesFor({
      ...{ calls: waiting, periods: standings, uncertain, frozen, names },
      restored: ports.node.restored,
    }),
  }
}

/** @throws {ProblemError} BUDGET_UNKNOWN when this node knows nothing of it */
async function read(ports: DoorPorts, about: string | undefined): Promise<Question> {
  const { budget, turns, node } = ports
  const all = budget.waiting().calls
  const paused = turns.paused().map(pausedView)
  if (about === undefined)
    return { about: { kind: 'node', id: node.label }, waiting: all, paused, calls: [], periods: [], cap: undefined }
  const named = await namedBy(ports, about.toLowerCase())
  const [one, other] = named
  if (one === undefined) throw new ProblemError('BUDGET_UNKNOWN', unknownWords(about, node.label))
  if (other !== undefined) throw new ProblemError('REQUEST_INVALID', ambiguousWords(about, named))
  if (one.kind === 'thread') return ofThread(ports, one.id, all)
  if (one.kind === 'call') return ofCall(budget, one.id, all, paused)
  const calls = await budget.callsOf(one.id)
  const [waiting, kept] = [all.filter(({ turn }) => turn === one.id), paused.filter(({ turn }) => turn === one.id)]
  return { about: one, waiting, paused: kept, calls, ...periodsOf(calls) }
}

async function ofCall(
  budget: DoorPorts['budget'],
  id: CallId,
  all: readonly WaitingCall[],
  paused: WhyAnswer['paused'],
): Promise<Question> {
  const waiting = all.filter(({ call }) => call === id)
  const found = waiting.length > 0 ? undefined : await budget.call(id)
  const calls = found === undefined ? [] : [found]
  const kept = paused.filter(({ turn }) => turn === (waiting[0] ?? found)?.turn)
  return { about: { kind: 'call', id }, waiting, paused: kept, calls, ...periodsOf(calls) }
}

function periodsOf(calls: readonly CallState[]): Pick<Question, 'periods' | 'cap'> {
  return { periods: [...new Set(calls.flatMap(({ periods }) => periods))], cap: undefined }
}

/** Pauses are read from the thread, so that they are told for agents of other nodes too. */
async function ofThread({ threads, reviews }: DoorPorts, id: ThreadId, all: readonly WaitingCall[]): Promise<Question> {
  const thread = threads.rootOf(id)
  const view = await threads.view(thread)
  if (view === undefined) throw new ProblemError('THREAD_UNKNOWN', `There is no conversation ${id} on this node.`)
  const review = reviews.standing(view)
  const open = view.entries.map(({ entry }) => entry).find((entry) => isType(entry, 'open'))
  return {
    about: { kind: 'thread', id: thread },
    waiting: all.filter((waiting) => waiting.thread === thread),
    paused: review === undefined ? [] : pausedTurns(review).map((turn) => pausedInThread(thread, turn)),
    calls: [],
    periods: [threadPeriod(thread)],
    cap: open?.cap,
  }
}

function pausedInThread(thread: ThreadId, turn: PausedTurn): WhyAnswer['paused'][number] {
  return pausedView({ ...turn, thread, state: 'paused' })
}

/** The running day and month, what calls wait for, and what was asked about; those of the latter that are over are left out. */
async function standingsFor(
  ports: DoorPorts,
  { waiting, periods, cap }: Question,
  nowMs: number,
  signal: AbortSignal,
): Promise<Standing[]> {
  const wanted = new Set<Period>([...periods, ...waiting.flatMap(({ refusal }) => lackedBy(refusal))])
  const known = ports.budget.report().periods
  const shown = known.filter(({ period, kind }) => kind === 'day' || kind === 'month' || wanted.has(period))
  return Promise.all(
    shown.map(async (own) => {
      return own.kind === 'thread' ? threadStanding(ports, own, cap) : await standingOf(ports, own, nowMs, signal)
    }),
  )
}

function lackedBy({ period, lacks }: WaitingCall['refusal']): Period[] {
  return [...(period === null ? [] : [period]), ...lacks.map((lack) => lack.period)]
}

function summaryOf({ about, waiting, paused, calls }: Question, { node: { label }, budget }: DoorPorts): string {
  const [oldest] = waiting
  if (oldest !== undefined) {
    const more = waiting.length === 1 ? '' : ` (and ${waiting.length - 1} more)`
    const hope = oldest.hopeful
      ? 'other nodes have so much, and are asked'
      : 'no node that is reached is known to have so much'
    return `${oldest.agent} waits${more}: ${oldest.refusal.reason.replace(/\.$/, '')}; ${hope}.`
  }
  const [first] = paused
  if (first !== undefined) return `${first.agent} is paused: ${first.reason}`
  const [call] = calls.toReversed()
  if (call?.state === 'uncertain')
    return `Nothing waits; the call of ${call.agent} may have been billed, and its whole bound counts.`
  const { standstill } = budget.report()
  if (about.kind === 'node' && standstill !== undefined) return `No call is made at ${label}: ${standstill}`
  const where = about.kind === 'thread' ? 'in this thread' : `at ${label}`
  return about.kind === 'call' || about.kind === 'turn'
    ? 'It does not wait for money.'
    : `Nothing waits for money ${where}.`
}

function callView(call: CallState): CallView {
  const { id, turn, agent, model, state, max, actual, evidence, providerRequestId, reservedMs, periods, simulated } =
    call
  return {
    ...{ call: id, turn, agent, model, state, held_usd: usdOf(max), cost_usd: actual === null ? null : usdOf(actual) },
    ...{ evidence, provider_request_id: providerRequestId, reserved_at: isoTime(reservedMs) },
    ...{ periods: [...periods], simulated },
  }
}
