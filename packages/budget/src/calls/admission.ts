import {
  agentDayPeriod,
  type CallId,
  type LedgerEvent,
  type NanoUsd,
  type Period,
  type PriceRef,
  parsePeriod,
  threadPeriod,
} from '@bzzz/protocols'
import { type Balance, charged, held, openBalance } from '../books/balance.ts'
import { type Books, isFrozen } from '../books/books.ts'
import { chargedPeriods } from '../periods/charged.ts'
import { initialOf, rightsOf } from '../periods/rights.ts'
import { highestCost } from '../prices/cost.ts'
import { NO_USD, nanoUsdOf } from '../usd.ts'
import { clockJump } from './clock-jump.ts'
import { frozenModelWords, noRightsWords, tooLittleWords, unpricedWords } from './refusal-words.ts'
import type { Refusal, RefusedBy, ReserveRequest } from './reservation.ts'
import type { Terms } from './terms.ts'

export type Admission = { readonly status: 'admitted'; readonly max: NanoUsd; readonly events: readonly LedgerEvent[] }

/** Days and months that a call of now is charged to; the day it is listed under comes first. */
export function calendarPeriods({ clock }: Terms, lastOpened: Books['lastOpened']): Period[] {
  return [...chargedPeriods('day', clock, lastOpened.day), ...chargedPeriods('month', clock, lastOpened.month)]
}

/** Those, and the agent's day where agents have a limit: the one that goes with the call's own day. */
export function timePeriods(terms: Terms, lastOpened: Books['lastOpened'], agent: string): Period[] {
  const shared = calendarPeriods(terms, lastOpened)
  if (terms.manifest.perAgentDaily === null) return shared
  return [...shared, agentDayPeriod(agent, Date.parse(shared[0]?.slice('d:'.length) ?? ''))]
}

/** Decides from the books alone whether a call's highest cost fits into every period it belongs to. */
export function admit(
  terms: Terms,
  books: Books,
  call: CallId,
  request: ReserveRequest,
  price: PriceRef | undefined,
): Admission | Refusal {
  const { turn, step, attempt, thread, agent, model } = request
  if (price === undefined) return refused('unpriced', NO_USD, unpricedWords(model))
  const max = highestCost(price, { input: request.inputTokens, output: request.outputTokens })
  const objection = objectionTo(terms, books, price, max)
  if (objection !== undefined) return objection
  const capped = thread !== null && books.balances.has(threadPeriod(thread)) ? [threadPeriod(thread)] : []
  const periods = [...timePeriods(terms, books.lastOpened, agent), ...capped]
  const balances = periods.map((period) => balanceIn(terms, books, period))
  const shortages = balances.flatMap((balance) => shortageIn(terms, balance, max, request) ?? [])
  if (shortages[0] !== undefined) return shortages[0]
  const opened = balances.filter(({ period }) => !books.balances.has(period)).map(openedEvent)
  const reserved = { kind: 'reserved' as const, call, turn, step, attempt, thread, agent, periods, max, price }
  return { status: 'admitted', max, events: [...opened, reserved] }
}

/** What stands against a call whatever is left in its periods. */
function objectionTo(terms: Terms, books: Books, price: PriceRef, max: NanoUsd): Refusal | undefined {
  const overrun = books.overruns.get(price.model)
  if (overrun !== undefined && isFrozen(books, price)) return refused('frozen-model', max, frozenModelWords(overrun))
  if (max > 0n && rightsOf(terms.manifest, terms.account) === 'none') {
    return refused('no-rights', max, noRightsWords(terms.account))
  }
  const jump = clockJump(terms, books.lastOpened)
  return jump && { ...refused(jump.dimension, max, jump.words), period: jump.period }
}

function openedEvent({ period, initial, manifestVersion }: Balance): LedgerEvent {
  return { kind: 'opened', period, initial, manifestVersion }
}

/** As it was opened, or as it would be. */
export function balanceIn({ manifest, account }: Terms, books: Pick<Books, 'balances'>, period: Period): Balance {
  const opened = books.balances.get(period)
  if (opened !== undefined) return opened
  const ofAgent = parsePeriod(period)?.kind === 'agent-day'
  const initial = ofAgent ? (manifest.perAgentDaily ?? NO_USD) : initialOf(manifest, account, period)
  return openBalance(period, initial, manifest.version)
}

/** A lower value of this node's own configuration. */
export function localCapOf({ localCaps }: Pick<Terms, 'localCaps'>, period: Period): NanoUsd | undefined {
  const kind = parsePeriod(period)?.kind
  return kind === 'day' || kind === 'month' ? localCaps[kind] : undefined
}

/** What is left for new holds; after an overrun, nothing. */
export function availableIn(balance: Balance, cap: NanoUsd | undefined): NanoUsd {
  const limit = cap !== undefined && cap < balance.initial ? cap : balance.initial
  return nanoUsdOf(limit > charged(balance) ? limit - charged(balance) : 0n)
}

function shortageIn(terms: Terms, balance: Balance, needed: NanoUsd, request: ReserveRequest): Refusal | undefined {
  const cap = localCapOf(terms, balance.period)
  const available = availableIn(balance, cap)
  if (needed <= available) return undefined
  const capped = cap !== undefined && cap < balance.initial
  const kind = parsePeriod(balance.period)?.kind ?? 'day'
  const figures = {
    needed,
    limit: capped ? cap : balance.initial,
    spent: balance.spent,
    held: held(balance),
    available,
  }
  const by = capped ? 'local-cap' : kind
  const reason = tooLittleWords({ by, period: balance.period, ...figures }, request, terms.manifest)
  return { status: 'refused', by, period: balance.period, reason, ...figures }
}

function refused(by: RefusedBy, needed: NanoUsd, reason: string): Refusal {
  const nothing = { limit: NO_USD, spent: NO_USD, held: NO_USD, available: NO_USD }
  return { status: 'refused', by, period: null, reason, needed, ...nothing }
}
