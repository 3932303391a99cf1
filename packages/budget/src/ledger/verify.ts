import type { CallId, Incarnation } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { type Books, emptyBooks, post } from '../books/books.ts'
import { BudgetError } from '../errors.ts'
import { readChain } from './chain.ts'
import { balanceKey, costViewKey, lastPart, overrunKey, under, unsettledKey } from './keys.ts'
import { putView } from './views.ts'

export interface VerifiedLedger {
  readonly incarnation: Incarnation | null
  readonly records: number
  /** Reserved or sent, without an outcome. */
  readonly unsettled: number
  readonly uncertain: number
}

/**
 * Reads the whole ledger again: chain, state machine and invariants, and that everything derived from it is what it
 * adds up to. Costs a pass over all records; holds every period and every call without final state in memory. Not
 * while the budget is open on the same room.
 * @throws {BudgetError} LEDGER_BROKEN or INVARIANT_BROKEN, naming the first thing that is wrong
 */
export async function verifyLedger(room: Room): Promise<VerifiedLedger> {
  const books = emptyBooks()
  let records = 0
  let incarnation: Incarnation | null = null
  for await (const { record } of readChain(room)) {
    const { event, atMs } = record
    post(books, event, atMs)
    records = record.seq
    if (event.kind === 'created') incarnation = event.incarnation
    if (event.kind === 'settled' || event.kind === 'released') books.calls.delete(event.call)
  }
  const calls = [...books.calls.values()]
  const unsettled = calls.filter(({ state }) => state !== 'uncertain').map(({ id }) => id)
  await compareViews(room, books, unsettled)
  return { incarnation, records, unsettled: unsettled.length, uncertain: calls.length - unsettled.length }
}

async function compareViews(room: Room, books: Books, unsettled: readonly CallId[]): Promise<void> {
  const expected = new Map<string, Uint8Array>(unsettled.map((id) => [unsettledKey(id), new Uint8Array()]))
  const views = [
    ...[...books.balances].map(([period, balance]) => putView(balanceKey(period), balance)),
    ...[...books.costs].map(([key, row]) => putView(costViewKey(key), row)),
    ...[...books.overruns].map(([model, { id }]) => ({ put: overrunKey(model), value: Buffer.from(id) })),
  ]
  for (const view of views) if ('put' in view) expected.set(view.put, view.value)
  for (const prefix of ['b/', 'f/', 'o/', 'p/']) {
    for await (const [key, value] of room.entries(under(prefix))) {
      const wanted = expected.get(key)
      if (wanted === undefined || Buffer.compare(wanted, value) !== 0) throw differs(key)
      expected.delete(key)
    }
  }
  const [missing] = expected.keys()
  if (missing !== undefined) throw differs(missing)
}

function differs(key: string): BudgetError {
  return new BudgetError('LEDGER_BROKEN', `what is kept as ${key} (${lastPart(key)}) is not what the ledger adds up to`)
}
