import {
  agentDayPeriod,
  type CallId,
  type LedgerEvent,
  type NanoUsd,
  type Period,
  type PriceRef,
  parsePeriod,
  type ThreadId,
  threadPeriod,
} from '@bzzz/protocols'
import { type Balance, charged, held, openBalance, rights } from '../books/balance.ts'
import { type Books, isFrozen, stopOf } from '../books/books.ts'
import { isUsedUp } from '../periods/agent-days.ts'
import { chargedPeriods, isShared } from '../periods/charged.ts'
import { initialOf, isAttestedGone, mintsOf, rightsOf } from '../periods/rights.ts'
import { highestCost } from '../prices/cost.ts'
import { NO_USD, nanoUsdOf } from '../usd.ts'
import { clockJump } from './clock-jump.ts'
import {
  closedWords,
  forkedWords,
  frozenModelWords,
  noRightsWords,
  outrunWords,
  removedWords,
  tooLittleWords,
  unpricedWords,
} from './refusal-words.ts'
import type { Refusal, RefusedBy, ReserveRequest } from './reservation.ts'
import type { Terms } from './terms.ts'

export type Admission =
  | { readonly status: 'admitted'; readonly max: NanoUsd; readonly events: readonly LedgerEvent[] }
  | {
      readonly status: 'refused'
      readonly refusal: Refusal
      /** What the call would take, when the rights of others could mend it. */
      readonly claim: Claim | undefined
    }

/** The same amount in each of some periods, all of which others may have rights in. */
export interface Claim {
  readonly max: NanoUsd
  readonly periods: readonly Period[]
}

/** What older calls wait for in a period, and younger ones leave alone. */
export type Kept = (period: Period) => bigint

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
  kept: Kept = nothingKept,
): Admission {
  const { turn, step, attempt, thread, agent, model } = request
  if (price === undefined) return final(refused('unpriced', NO_USD, unpricedWords(model)))
  const max = highestCost(price, { input: request.inputTokens, output: request.outputTokens })
  const periods = [...timePeriods(terms, books.lastOpened, agent), ...cappedThread(books, thread)]
  const objection = objectionTo(terms, books, price, max)
  if (objection !== undefined) return final(objection)
  const balances = periods.map((period) => balanceIn(terms, books, period))
  const shortages = balances.flatMap((balance) => shortageIn(terms, balance, max, request, kept) ?? [])
  if (shortages.length > 0) return short(terms, balances, max, shortages)
  const reserved = { kind: 'reserved' as const, call, turn, step, attempt, thread, agent, periods, max, price }
  return { status: 'admitted', max, events: [...openingEvents(terms, books, periods), reserved] }
}

function nothingKept(): bigint {
  return 0n
}

function cappedThread(books: Books, thread: ThreadId | null): Period[] {
  return thread !== null && books.balances.has(threadPeriod(thread)) ? [threadPeriod(thread)] : []
}

/** What stands against a call whatever is left in its periods. */
function objectionTo(terms: Terms, books: Books, price: PriceRef, max: NanoUsd): Refusal | undefined {
  const overrun = books.overruns.get(price.model)
  if (overrun !== undefined && isFrozen(books, price)) {
    const { model, actual, max: held } = overrun
    return refused('frozen-model', max, frozenModelWords({ model, billed: actual ?? held, held }))
  }
  const stand = standstillOf(terms, books)
  return stand && { ...refused(stand.by, max, stand.words), period: stand.period }
}

interface Standstill {
  readonly by: RefusedBy
  readonly period: Period | null
  readonly words: string
}

/** What stands against every call; undefined while some may be made. */
export function standstillOf(
  terms: Terms,
  books: Pick<Books, 'forked' | 'outrun' | 'lastOpened'>,
): Standstill | undefined {
  const { newest, account } = terms
  const stop = stopOf(books, account)
  if (stop !== undefined)
    return { by: stop, period: null, words: stop === 'forked' ? forkedWords(account) : outrunWords(account) }
  if (isAttestedGone(newest, account)) {
    const isMember = newest.members.some(({ peer }) => peer === account.peer)
    return { by: 'closed', period: null, words: isMember ? closedWords(account) : removedWords() }
  }
  const jump = clockJump(terms, books.lastOpened)
  return jump && { by: jump.dimension, period: jump.period, words: jump.words }
}

/** Refused for want of rights: other accounts' rights help when each shortage is in a period that they share. */
function short(terms: Terms, balances: readonly Balance[], max: NanoUsd, shortages: readonly Refusal[]): Admission {
  const lacks = shortages.flatMap((shortage) => shortage.lacks)
  const [first] = shortages
  const without =
    rightsOf(terms.manifest, terms.account) === 'none' && balances.every(({ received }) => received === 0n)
  const unhelped = shortages.find(({ by, limit }) => by === 'agent-day' && limit === 0n)
  if (without && unhelped !== undefined) return final(unhelped)
  const refusal = without || first === undefined ? refused('no-rights', max, noRightsWords(terms.account)) : first
  if (lacks.length < shortages.length) return final(refusal)
  const periods = balances.map(({ period }) => period).filter(isShared)
  return { status: 'refused', refusal: { ...refusal, lacks }, claim: { max, periods } }
}

function final(refusal: Refusal): Admission {
  return { status: 'refused', refusal: { ...refusal, lacks: [] }, claim: undefined }
}

/** What has to be written before something is charged to these periods, or moved in them. */
export function openingEvents(terms: Terms, books: Books, periods: readonly Period[]): LedgerEvent[] {
  return periods.flatMap((period) => {
    const opened = books.balances.get(period)
    const { initial, manifestVersion } = opened ?? balanceIn(terms, books, period)
    const booked = opened?.transfers.mints ?? []
    const { version } = terms.manifest
    const minted = mintsOf(terms.manifest, terms.account, period)
      .filter(({ id }) => !booked.includes(id))
      .map(({ id, amount }) => ({ kind: 'minted' as const, period, id, amount, manifestVersion: version }))
    return opened === undefined ? [{ kind: 'opened' as const, period, initial, manifestVersion }, ...minted] : minted
  })
}

/** As it was opened, or as it would be; with the mints that are not booked yet. */
export function balanceIn(
  terms: Terms,
  { balances }: { readonly balances: Pick<Books['balances'], 'get'> },
  period: Period,
): Balance {
  const { manifest, account } = terms
  const balance = balances.get(period) ?? openBalance(period, openingRights(terms, period), manifest.version)
  const due = mintsOf(manifest, account, period).filter(({ id }) => !balance.transfers.mints.includes(id))
  if (due.length === 0) return balance
  return { ...balance, minted: nanoUsdOf(due.reduce<bigint>((sum, { amount }) => sum + amount, balance.minted)) }
}

function openingRights({ manifest, account, agentsUsedUp }: Terms, period: Period): NanoUsd {
  if (parsePeriod(period)?.kind !== 'agent-day') return initialOf(manifest, account, period)
  return isUsedUp(period, agentsUsedUp) ? NO_USD : (manifest.perAgentDaily ?? NO_USD)
}

/** A lower value of this node's own configuration. */
export function localCapOf({ localCaps }: Pick<Terms, 'localCaps'>, period: Period): NanoUsd | undefined {
  const kind = parsePeriod(period)?.kind
  return kind === 'day' || kind === 'month' ? localCaps[kind] : undefined
}

/** What is left for new holds; after an overrun, nothing. */
export function availableIn(balance: Balance, cap: NanoUsd | undefined): NanoUsd {
  const left = leftIn(balance, cap)
  return left > 0n ? nanoUsdOf(left) : NO_USD
}

/** Nano-dollars that are left for new holds; below zero after an overrun, by as much as has to come before anything is held again. */
export function leftIn(balance: Balance, cap: NanoUsd | undefined): bigint {
  const most = rights(balance)
  return (cap !== undefined && cap < most ? cap : most) - charged(balance)
}

function shortageIn(
  terms: Terms,
  balance: Balance,
  needed: NanoUsd,
  request: ReserveRequest,
  kept: Kept,
): Refusal | undefined {
  const { period } = balance
  const cap = localCapOf(terms, period)
  const left = availableIn(balance, cap)
  const keptHere = kept(period) < left ? kept(period) : left
  const available = nanoUsdOf(left - keptHere)
  if (needed <= available) return undefined
  const most = rights(balance)
  const capped = cap !== undefined && cap < most
  const kind = parsePeriod(period)?.kind ?? 'day'
  const figures = { needed, limit: capped ? cap : most, spent: balance.spent, held: held(balance), available }
  const by = capped ? 'local-cap' : kind
  const reason = tooLittleWords({ by, period, kept: nanoUsdOf(keptHere), ...figures }, request, terms)
  const lack = nanoUsdOf(needed + keptHere - leftIn(balance, cap))
  const lacks = capped || !isShared(period) ? [] : [{ period, amount: lack }]
  return { status: 'refused', by, period, reason, ...figures, lacks }
}

function refused(by: RefusedBy, needed: NanoUsd, reason: string): Refusal {
  const nothing = { limit: NO_USD, spent: NO_USD, held: NO_USD, available: NO_USD }
  return { status: 'refused', by, period: null, reason, needed, ...nothing, lacks: [] }
}
