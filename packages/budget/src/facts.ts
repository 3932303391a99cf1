import {
  type Account,
  accountKey,
  type CallId,
  type LedgerEvent,
  type LedgerRecord,
  type NanoUsd,
  type Period,
  type TokenUsage,
} from '@bzzz/protocols'
import type { Books } from './books/books.ts'
import { type Transfer, transferGiven, transferTaken } from './books/transfers.ts'
import type { Call } from './calls/call.ts'
import type { Refusal } from './calls/reservation.ts'
import type { ForkRefusalCode } from './grants/forks.ts'
import type { CreditRefusalCode, GrantRefusalCode } from './grants/request.ts'
import type { EndOfLedger } from './ledger/ledgers.ts'

/** What has happened, after it was synced. For logs, metrics and alerts; must not throw. */
export type BudgetFact =
  | { readonly type: 'opened'; readonly period: Period; readonly initial: NanoUsd }
  /** Periods are opened by this version of the manifest from now on; its owner may be told. */
  | { readonly type: 'acknowledged'; readonly version: number }
  | ({ readonly type: 'reserved'; readonly max: NanoUsd } & CallWords)
  | { readonly type: 'minted'; readonly period: Period; readonly amount: NanoUsd }
  /** Rights given away; the grant may leave now. */
  | ({ readonly type: 'granted'; readonly to: Account } & Moved)
  /** Rights received. */
  | ({ readonly type: 'credited'; readonly from: Account } & Moved)
  /** Somebody asked for rights and got none. */
  | { readonly type: 'grant-refused'; readonly to: Account; readonly code: GrantRefusalCode; readonly reason: string }
  /** A grant came in that was not booked. */
  | { readonly type: 'credit-refused'; readonly code: CreditRefusalCode; readonly reason: string }
  /** What came in as a proof that an account is in use twice was none. */
  | { readonly type: 'fork-refused'; readonly code: ForkRefusalCode; readonly reason: string }
  /** An account is in use twice; when it is the own one, nothing is charged or given any more. */
  | { readonly type: 'forked'; readonly account: Account; readonly own: boolean }
  /** Another ledger may not go on, and this one has no rights of its own: the operator is to have it adopted. */
  | { readonly type: 'ledger-begun'; readonly account: Account; readonly before: Account; readonly why: EndOfLedger }
  /** Somebody has what this account signed and its ledger does not hold; nothing is charged or given any more. */
  | { readonly type: 'outrun'; readonly account: Account; readonly number: number }
  /** The ledger was opened before, and nothing outside of it says how far it had come. */
  | { readonly type: 'mark-missing' }
  /** Nothing was written. */
  | ({ readonly type: 'refused'; readonly agent: string; readonly model: string } & Omit<Refusal, 'status'>)
  | ({ readonly type: 'sent' } & CallWords)
  | ({
      readonly type: 'settled'
      readonly amount: NanoUsd
      readonly max: NanoUsd
      readonly usage: TokenUsage | null
      /** `none`: no usage came; `unclear`: it contradicts itself. The whole hold was charged. */
      readonly evidence: 'usage' | 'none' | 'unclear' | 'operator'
      readonly reservedMs: number
      readonly atMs: number
    } & CallWords)
  /** Billed above the hold: the model is frozen on this node. Follows its `settled`. */
  | ({ readonly type: 'overrun'; readonly amount: NanoUsd; readonly max: NanoUsd } & CallWords)
  | ({ readonly type: 'uncertain'; readonly max: NanoUsd; readonly reason: string } & CallWords)
  | ({ readonly type: 'released'; readonly max: NanoUsd; readonly reason: string } & CallWords)
  /** One synced batch. */
  | { readonly type: 'written'; readonly records: number; readonly elapsedMs: number }
  /** Calls of an earlier run that nothing came of: uncertain now, each at its whole hold. */
  | { readonly type: 'recovered'; readonly calls: number }
  | { readonly type: 'price-table-differs'; readonly own: string; readonly manifest: string }
  /** Another clock differs by more than the mesh allows; positive when the other is ahead. */
  | { readonly type: 'clock-disagrees'; readonly differenceMs: number }
  /** A write failed or an invariant broke: no reservation and no sending until the node was restarted. */
  | { readonly type: 'frozen'; readonly cause: unknown }

interface Moved {
  readonly period: Period
  readonly amount: NanoUsd
  /** With all grants before it, of this period and between the same two. */
  readonly cumulative: NanoUsd
}

interface CallWords {
  readonly call: CallId
  readonly agent: string
  readonly model: string
  readonly simulated: boolean
}

/** What a written record has to tell. @param books in which it was posted */
export function factsOf({ event, atMs }: LedgerRecord, books: Books, own: Account): BudgetFact[] {
  switch (event.kind) {
    case 'opened':
      return [{ type: 'opened', period: event.period, initial: event.initial }]
    case 'acked':
      return [{ type: 'acknowledged', version: event.version }]
    case 'minted':
      return [{ type: 'minted', period: event.period, amount: event.amount }]
    case 'granted':
    case 'credited':
      return [movedFact(event, books)]
    case 'forked':
      return [{ type: 'forked', account: event.account, own: accountKey(event.account) === accountKey(own) }]
    default:
      return callFacts(event, atMs, books)
  }
}

function movedFact(event: Extract<LedgerEvent, { grant: Uint8Array }>, books: Books): BudgetFact {
  const { kind, period, amount } = event
  const { party, cumulative } = transferOfEvent(event, books)
  const moved = { period, amount, cumulative }
  return kind === 'granted' ? { type: kind, to: party, ...moved } : { type: kind, from: party, ...moved }
}

/** From the books, which have opened the grant already, unless the same page has a later one between the same two. */
function transferOfEvent({ kind, period, grant }: Extract<LedgerEvent, { grant: Uint8Array }>, books: Books): Transfer {
  const { given = [], taken = [] } = books.balances.get(period)?.transfers ?? {}
  const posted = (kind === 'granted' ? given : taken).findLast((transfer) => transfer.grant === grant)
  return posted ?? (kind === 'granted' ? transferGiven(grant) : transferTaken(grant))
}

function callFacts(event: LedgerEvent, atMs: number, books: Books): BudgetFact[] {
  const call = 'call' in event ? books.calls.get(event.call) : undefined
  if (call === undefined) return []
  const [words, { max, reservedMs }] = [wordsOf(call), call]
  switch (event.kind) {
    case 'reserved':
    case 'sent':
      return [{ type: event.kind, ...words, max }]
    case 'uncertain':
    case 'released':
      return [{ type: event.kind, ...words, max, reason: event.reason }]
    case 'settled': {
      const { amount, usage, evidence } = event
      const settled = { type: 'settled' as const, ...words, amount, max, usage, evidence, reservedMs, atMs }
      return amount > max ? [settled, { type: 'overrun', ...words, amount, max }] : [settled]
    }
    default:
      return []
  }
}

function wordsOf({ id: call, agent, model, simulated }: Call): CallWords {
  return { call, agent, model, simulated }
}
