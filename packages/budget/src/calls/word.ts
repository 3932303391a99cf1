import type { CallId, NanoUsd } from '@bzzz/protocols'
import { BudgetError } from '../errors.ts'
import { formatUsd } from '../usd.ts'
import type { Decision, Task } from '../writer.ts'
import { MAX_STATED_COST } from './booking.ts'
import type { Call } from './call.ts'

/** What became of an operator's word about a call. */
export type WordTaken =
  /** `call` as it was booked before: uncertain, at its whole hold. */
  | { readonly status: 'settled'; readonly call: Call }
  /** It was booked before, at the same amount. */
  | { readonly status: 'repeated'; readonly call: Call }
  | {
      readonly status: 'refused'
      readonly code: WordRefusal
      readonly reason: string
      /** Undefined when it is unknown. */
      readonly call: Call | undefined
    }

export type WordRefusal =
  /** No call of this node's ledger. */
  | 'unknown'
  /** It is reserved or under way: its outcome may still come by itself. */
  | 'in-flight'
  /** It has its cost, for good. */
  | 'settled'
  /** It was never sent. */
  | 'released'

/** @throws {BudgetError} BAD_AMOUNT above a million dollars: no call costs that */
export function wordTask(id: CallId, amount: NanoUsd): Task<WordTaken> {
  if (amount > MAX_STATED_COST) throw new BudgetError('BAD_AMOUNT', `no call costs ${formatUsd(amount)}`)
  return {
    needs: () => ({ calls: [{ id }], periods: [], costs: [] }),
    decide(books): Decision<WordTaken> {
      const call = books.calls.get(id)
      if (call?.state !== 'uncertain') return { events: [], answer: () => otherwise(id, call, amount) }
      const { providerRequestId } = call
      const booked = { amount, usage: null, reply: null, evidence: 'operator' as const, providerRequestId }
      return { events: [{ kind: 'settled', call: id, ...booked }], answer: () => ({ status: 'settled', call }) }
    },
  }
}

function otherwise(id: CallId, call: Call | undefined, amount: NanoUsd): WordTaken {
  const refused = (code: WordRefusal, reason: string): WordTaken => ({ status: 'refused', code, reason, call })
  if (call === undefined) return refused('unknown', `this node made no call ${id.slice(0, 12)}`)
  const name = `call ${id.slice(0, 12)}`
  switch (call.state) {
    case 'settled': {
      if (call.evidence === 'operator' && call.actual === amount) return { status: 'repeated', call }
      return refused(
        'settled',
        `${name} is settled at ${formatUsd(call.actual ?? call.max)}${howKnown(call)}: that is final`,
      )
    }
    case 'released':
      return refused('released', `${name} was never sent and costs nothing`)
    default:
      return refused('in-flight', `${name} is under way: it settles by itself, or becomes uncertain`)
  }
}

function howKnown({ evidence }: Call): string {
  if (evidence === 'operator') return " by an operator's word"
  return evidence === 'usage'
    ? ' by what the provider said'
    : ', its whole hold, since the provider did not plainly say'
}
