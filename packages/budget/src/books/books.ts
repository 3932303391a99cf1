import {
  type Account,
  accountKey,
  type CallId,
  type Incarnation,
  type LedgerEvent,
  type Period,
  type PriceRef,
} from '@bzzz/protocols'
import { isBookedRight } from '../calls/booking.ts'
import { type Call, nextCall, reservedCall } from '../calls/call.ts'
import { invariant } from '../errors.ts'
import { isSamePrice } from '../prices/cost.ts'
import { type Acknowledged, postAcked } from './acked.ts'
import { type Balance, charged, hold, openBalance, refund, rights, settle } from './balance.ts'
import { type CostRow, costAfter, costKey } from './costs.ts'
import { postCredited, postGranted, postMinted } from './moved.ts'

/**
 * What ledger records add up to. The same function posts a record when it is written and when the ledger is read
 * again, so both come to the same.
 */
export interface Books {
  readonly calls: Map<CallId, Call>
  /** Periods that were opened. */
  readonly balances: Map<Period, Balance>
  readonly costs: Map<string, CostRow>
  /** By model: the last call that was billed above its hold. */
  readonly overruns: Map<string, Call>
  readonly lastOpened: { day?: Period; month?: Period }
  /** Openings of this ledger: how many there had been, by the number that was drawn. */
  readonly boots: Map<Incarnation, number>
  /** Accounts that signed two things under one number, by {@link accountKey}, with the proof. */
  readonly forked: Map<string, Fork>
  /** This account signed what its ledger does not hold: the ledger was put back, or a copy of it is in use. */
  readonly outrun: boolean
  /** By what periods are opened; undefined before the first. */
  acked: Acknowledged | undefined
  /** Of the newest thing that this account signed. */
  signedSeq: number
}

export interface Fork {
  readonly account: Account
  readonly proof: Uint8Array
}

export function emptyBooks(): Books {
  const sums = { calls: new Map(), balances: new Map(), costs: new Map(), overruns: new Map() }
  const stops = { forked: new Map(), outrun: false }
  return { ...sums, ...stops, lastOpened: {}, boots: new Map(), acked: undefined, signedSeq: 0 }
}

/** Why an account may neither charge nor give nor take anything more; undefined while it may. */
export function stopOf(
  { forked, outrun }: Pick<Books, 'forked' | 'outrun'>,
  own: Account,
): 'forked' | 'outrun' | undefined {
  if (forked.has(accountKey(own))) return 'forked'
  return outrun ? 'outrun' : undefined
}

/** A model that was billed above its bound stays frozen until its price is another. */
export function isFrozen({ overruns }: Pick<Books, 'overruns'>, price: PriceRef): boolean {
  const then = overruns.get(price.model)?.priceRef
  return then !== undefined && isSamePrice(then, price)
}

/**
 * @param books must hold the call, periods and cost row that the event is about
 * @throws {BudgetError} INVARIANT_BROKEN, or CALL_STATE for an event that the call's state forbids
 */
export function post(books: Books, event: LedgerEvent, atMs: number): void {
  switch (event.kind) {
    case 'created':
      return
    case 'booted':
      books.boots.set(event.nonce, event.counter)
      return
    case 'acked':
      books.acked = postAcked(books.acked, books.signedSeq, event)
      books.signedSeq = books.acked.seq
      return
    case 'opened':
      postOpened(books, event)
      return
    case 'minted':
      books.balances.set(event.period, postMinted(balanceOf(books, event.period), event))
      return
    case 'granted':
      postGift(books, event)
      return
    case 'credited':
      books.balances.set(event.period, postCredited(books.boots, balanceOf(books, event.period), event))
      return
    case 'forked':
      books.forked.set(accountKey(event.account), { account: event.account, proof: event.proof })
      return
    case 'reserved':
      postReserved(books, reservedCall(event, atMs))
      return
    default: {
      const before = books.calls.get(event.call)
      invariant(12, before !== undefined, `${event.kind} for a call that was never reserved`)
      const isRight = event.kind !== 'settled' || before.state === 'settled' || isBookedRight(event, before)
      invariant(8, isRight, `call ${before.id.slice(0, 12)} is settled at another amount than its evidence gives`)
      postChange(books, before, nextCall(before, event))
    }
  }
}

function postOpened(books: Books, event: Extract<LedgerEvent, { kind: 'opened' }>): void {
  const { period, initial, manifestVersion } = event
  invariant(6, !books.balances.has(period), `${period} was opened before`)
  books.balances.set(period, openBalance(period, initial, manifestVersion))
  const { lastOpened } = books
  if (period.startsWith('d:') && period > (lastOpened.day ?? '')) lastOpened.day = period
  if (period.startsWith('m:') && period > (lastOpened.month ?? '')) lastOpened.month = period
}

function postGift(books: Books, event: Extract<LedgerEvent, { kind: 'granted' }>): void {
  const { balance, signedSeq } = postGranted(books.signedSeq, balanceOf(books, event.period), event)
  books.balances.set(event.period, balance)
  books.signedSeq = signedSeq
}

function postReserved(books: Books, call: Call): void {
  invariant(12, !books.calls.has(call.id), 'a call is reserved once')
  const distinct = new Set(call.periods)
  const covers = (kind: string): boolean => call.periods.some((period) => period.startsWith(kind))
  invariant(
    13,
    distinct.size === call.periods.length && covers('d:') && covers('m:'),
    'charged to its day and month, once',
  )
  for (const period of call.periods) {
    const balance = balanceOf(books, period)
    invariant(
      2,
      call.max === 0n || charged(balance) + call.max <= rights(balance),
      `${period} has no room for ${call.max}`,
    )
    books.balances.set(period, hold(balance, call.max))
  }
  postCall(books, undefined, call)
}

function postChange(books: Books, before: Call, after: Call): void {
  const change = before.state === after.state ? undefined : changeOfMoney(after)
  if (change !== undefined) {
    for (const period of after.periods) books.balances.set(period, change(balanceOf(books, period)))
  }
  if (after.actual !== null && after.actual > after.max) books.overruns.set(after.model, after)
  postCall(books, before, after)
}

/** Only what was never sent comes back whole, only what was billed is settled; all else stays held (invariant 8). */
function changeOfMoney({ state, max, actual }: Call): ((balance: Balance) => Balance) | undefined {
  if (state === 'released') return (balance) => refund(balance, max)
  if (state === 'settled' && actual !== null) return (balance) => settle(balance, max, actual)
  return undefined
}

function postCall(books: Books, before: Call | undefined, after: Call): void {
  books.calls.set(after.id, after)
  const key = costKey(after)
  books.costs.set(key, costAfter(books.costs.get(key), before, after))
}

function balanceOf(books: Books, period: Period): Balance {
  const balance = books.balances.get(period)
  invariant(6, balance !== undefined, `${period} was never opened`)
  return balance
}
