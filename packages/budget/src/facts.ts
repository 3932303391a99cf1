import type { CallId, LedgerRecord, NanoUsd, Period, TokenUsage } from '@bzzz/protocols'
import type { Books } from './books/books.ts'
import type { Call } from './calls/call.ts'
import type { Refusal } from './calls/reservation.ts'

/** What has happened, after it was synced. For logs, metrics and alerts; must not throw. */
export type BudgetFact =
  | { readonly type: 'opened'; readonly period: Period; readonly initial: NanoUsd }
  | ({ readonly type: 'reserved'; readonly max: NanoUsd } & CallWords)
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

interface CallWords {
  readonly call: CallId
  readonly agent: string
  readonly model: string
  readonly simulated: boolean
}

/** What a written record has to tell. @param books in which it was posted */
export function factsOf({ event, atMs }: LedgerRecord, books: Books): BudgetFact[] {
  if (event.kind === 'opened') return [{ type: 'opened', period: event.period, initial: event.initial }]
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
