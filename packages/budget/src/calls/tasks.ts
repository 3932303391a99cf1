import {
  type CallId,
  callIdOf,
  type LedgerEvent,
  MAX_REPLY_BYTES,
  type Period,
  type PriceRef,
  type ThreadCap,
  type ThreadId,
  threadPeriod,
} from '@bzzz/protocols'
import type { Books } from '../books/books.ts'
import { costKey } from '../books/costs.ts'
import { BudgetError } from '../errors.ts'
import type { Attempt } from '../grants/waiting-room.ts'
import { turnKey } from '../ledger/keys.ts'
import type { Standing } from '../ledger/standing.ts'
import { isTokenCount } from '../prices/cost.ts'
import { shareOfCap } from '../shares.ts'
import type { Decision, Task } from '../writer.ts'
import { admit, type Claim, type Kept, timePeriods } from './admission.ts'
import { bookingOf } from './booking.ts'
import { type Call, type CallEvent, type CallState, nextCall } from './call.ts'
import type { CallOutcome, Reservation, ReserveRequest } from './reservation.ts'
import type { Terms } from './terms.ts'

/** A reservation that was not sent by then is given back, with the next write: whoever made it has forgotten it. */
export const UNSENT_MS = 30_000
const MAX_REQUEST_ID_CHARS = 200
// Bounds what is in flight at one node; real concurrency is a few dozen.
const MAX_LIVE_CALLS = 10_000

/** How a call is admitted and given up. */
export interface CallRules {
  /** The moment in whose periods a call is charged. */
  chargedAt(askedMs: number, writtenMs: number): number
  /** What an admission is decided from. @param draft with all that was decided before in the same page */
  decidedFrom(draft: Books, synced: Standing): Books
  /** What becomes of a call of which nobody knows whether it was billed. */
  lost(call: Call, reason: string, providerRequestId: string | null): CallEvent
}

export const CALL_RULES: CallRules = {
  chargedAt: (_, writtenMs) => writtenMs,
  decidedFrom: (draft) => draft,
  lost: ({ id }, reason, providerRequestId) => ({ kind: 'uncertain', call: id, reason, providerRequestId }),
}

export interface ReserveContext {
  readonly rules: CallRules
  /** When the caller came. */
  readonly askedMs: number
  readonly standing: Standing
  readonly terms: (nowMs: number) => Terms
  readonly price: PriceRef | undefined
  readonly stateOf: (call: Call) => Promise<CallState>
  /** What calls that wait longer claim. */
  readonly kept: (books: Books, nowMs: number, call: CallId) => Kept
}

/** @throws {BudgetError} BAD_REQUEST */
export function reserveTask(
  request: ReserveRequest,
  { rules, askedMs, standing, terms, price, stateOf, kept }: ReserveContext,
): Task<Attempt> {
  const id = callIdOf(request.turn, request.step, request.attempt)
  if (!isTokenCount(request.inputTokens) || !isTokenCount(request.outputTokens)) {
    throw new BudgetError('BAD_REQUEST', `${request.inputTokens} and ${request.outputTokens} are not numbers of tokens`)
  }
  return {
    needs(nowMs) {
      const at = terms(rules.chargedAt(askedMs, nowMs))
      const periods = timePeriods(at, standing.lastOpened, request.agent)
      const { agent, thread, model } = request
      const cost = costKey({ periods, agent, thread, model, simulated: price?.simulated ?? false })
      const index = turnKey(request.turn, request.step, request.attempt)
      return {
        calls: [{ id, index }],
        periods: thread === null ? periods : [...periods, threadPeriod(thread)],
        costs: [cost],
      }
    },
    decide(books, nowMs): Decision<Attempt> {
      const known = books.calls.get(id)
      if (known !== undefined) {
        const answer = async (): Promise<Attempt> => attempt({ status: 'known', call: await stateOf(known) })
        return { events: [], answer }
      }
      if (standing.live.size >= MAX_LIVE_CALLS) throw new BudgetError('BUSY', `${MAX_LIVE_CALLS} calls are in flight`)
      const at = terms(rules.chargedAt(askedMs, nowMs))
      const admission = admit(at, rules.decidedFrom(books, standing), id, request, price, kept(books, nowMs, id))
      if (admission.status === 'refused')
        return { events: [], answer: () => attempt(admission.refusal, admission.claim) }
      const { max } = admission
      const events: LedgerEvent[] = [...admission.events, ...(request.send === true ? [sentEvent(id)] : [])]
      return { events, answer: () => attempt({ status: 'reserved', call: id, max }) }
    },
  }
}

function attempt(reservation: Reservation, claim?: Claim): Attempt {
  return { reservation, claim }
}

/** One step of a call; nothing is written when it changes nothing. */
function stepTask<T>(
  id: CallId,
  eventFor: (call: Call) => CallEvent,
  answer: (call: Call, isNew: boolean) => T | Promise<T>,
): Task<T> {
  return {
    needs: () => ({ calls: [{ id }], periods: [], costs: [] }),
    decide(books): Decision<T> {
      const call = books.calls.get(id)
      if (call === undefined) throw new BudgetError('CALL_UNKNOWN', `call ${id.slice(0, 12)} was never reserved here`)
      const event = eventFor(call)
      const next = nextCall(call, event)
      const isNew = next !== call
      return { events: isNew ? [event] : [], answer: () => answer(next, isNew) }
    },
  }
}

export function sentTask(call: CallId): Task<void> {
  return stepTask(call, () => sentEvent(call), nothing)
}

function sentEvent(call: CallId): CallEvent {
  return { kind: 'sent', call }
}

/** @param stateOf what was booked, when it was settled before */
export function settleTask(id: CallId, outcome: CallOutcome, stateOf: ReserveContext['stateOf']): Task<CallState> {
  // A reply beyond the bound is lost; what it cost is not.
  const reply = Buffer.byteLength(outcome.reply) <= MAX_REPLY_BYTES ? outcome.reply : null
  const settled = (call: Call): CallEvent => ({
    kind: 'settled',
    call: id,
    ...bookingOf(outcome, call),
    reply,
    providerRequestId: outcome.providerRequestId?.slice(0, MAX_REQUEST_ID_CHARS) ?? null,
  })
  return stepTask(id, settled, (call, isNew) => (isNew ? { ...call, reply } : stateOf(call)))
}

export function loseTask(
  id: CallId,
  { reason, requestId }: { readonly reason: string; readonly requestId?: string | null | undefined },
  { lost }: Pick<CallRules, 'lost'>,
): Task<void> {
  const providerRequestId = requestId?.slice(0, MAX_REQUEST_ID_CHARS) ?? null
  return stepTask(id, (call) => lost(call, reason.slice(0, 500), providerRequestId), nothing)
}

export function releaseTask(call: CallId, reason: string): Task<void> {
  return stepTask(call, () => ({ kind: 'released', call, reason: reason.slice(0, 500) }), nothing)
}

function nothing(): void {}

/** Releases of reservations that nobody sent. */
export function overdueReleases({ live }: Standing, nowMs: number): Task<void>[] {
  const overdue = [...live.values()].filter(
    ({ state, reservedMs }) => state === 'reserved' && nowMs - reservedMs >= UNSENT_MS,
  )
  return overdue.map(({ id }) => releaseTask(id, `not sent within ${UNSENT_MS / 1_000} s`))
}

/** @throws {BudgetError} BAD_SHARES */
export function openThreadTask(thread: ThreadId, cap: ThreadCap, terms: Terms): Task<void> {
  const period: Period = threadPeriod(thread)
  const initial = shareOfCap(cap, terms.account)
  return {
    needs: () => ({ calls: [], periods: [period], costs: [] }),
    decide: (books) => ({
      events: books.balances.has(period)
        ? []
        : [{ kind: 'opened', period, initial, manifestVersion: terms.manifest.version }],
      answer: () => undefined,
    }),
  }
}
