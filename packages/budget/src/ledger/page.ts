import type { LedgerEvent, LedgerRecord } from '@bzzz/protocols'
import type { Operation } from '@bzzz/store'
import type { Balance } from '../books/balance.ts'
import { post } from '../books/books.ts'
import { type Head, recordAfter } from './chain.ts'
import {
  balanceKey,
  callRecordKey,
  costViewKey,
  META,
  overrunKey,
  recordKey,
  slotViewKey,
  turnKey,
  unsettledKey,
} from './keys.ts'
import type { HeldPeriod } from './read.ts'
import type { Standing } from './standing.ts'
import { type Meta, putView } from './views.ts'
import type { WorkingSet } from './working-set.ts'

/** Seals the slot of a balance; null for a period that never leaves the node. */
export type SealSlot = (
  balance: Balance,
  as: { seq: number; boot: Meta['boot']; wallMs: number; before: Uint8Array | null },
) => Uint8Array | null

/** Records that go to disk as one atomic batch, with everything that is derived from them. */
export interface Page {
  readonly records: readonly LedgerRecord[]
  /** All or none. @throws {BudgetError} BAD_REQUEST when the ledger cannot hold one of them */
  append(events: readonly LedgerEvent[]): void
  finish(seal: SealSlot): FinishedPage
}

interface FinishedPage {
  readonly operations: readonly Operation[]
  readonly head: Head
  readonly meta: Meta
  /** Those that changed. */
  readonly periods: readonly HeldPeriod[]
}

export function openPage(standing: Standing, { books, periods: onDisk }: WorkingSet, atMs: number): Page {
  const loaded = { balances: new Map(books.balances), costs: new Map(books.costs), overruns: new Map(books.overruns) }
  const records: LedgerRecord[] = []
  const operations: Operation[] = []
  let head = standing.head

  function append(events: readonly LedgerEvent[]): void {
    let last = head
    const sealed = events.map((event) => {
      const next = recordAfter(last, event, atMs)
      last = next.head
      return next
    })
    for (const { record, bytes } of sealed) {
      post(books, record.event, atMs)
      records.push(record)
      operations.push({ put: recordKey(record.seq), value: bytes }, ...indexOperations(record))
    }
    head = last
  }

  function finish(seal: SealSlot): FinishedPage {
    const { boot } = standing.meta
    let { slotSeq } = standing.meta
    const periods = changed(loaded.balances, books.balances).map(([period, balance]): HeldPeriod => {
      const as = { seq: slotSeq + 1, boot, wallMs: atMs, before: onDisk.get(period)?.slot ?? null }
      const slot = seal(balance, as)
      if (slot !== null) slotSeq += 1
      return { balance, slot }
    })
    const meta = { boot, slotSeq }
    operations.push(...periods.flatMap(periodOperations), putView(META, meta))
    for (const [key, row] of changed(loaded.costs, books.costs)) operations.push(putView(costViewKey(key), row))
    for (const [model, call] of changed(loaded.overruns, books.overruns)) {
      operations.push({ put: overrunKey(model), value: Buffer.from(call.id) })
    }
    return { operations, head, meta, periods }
  }

  return { records, append, finish }
}

function changed<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): [K, V][] {
  return [...after].filter(([key, value]) => before.get(key) !== value)
}

function periodOperations({ balance, slot }: HeldPeriod): Operation[] {
  const put = putView(balanceKey(balance.period), balance)
  return slot === null ? [put] : [put, { put: slotViewKey(balance.period), value: slot }]
}

const PRESENT = new Uint8Array()

/** How a record is found again by its call and turn, and which calls wait for an outcome. */
function indexOperations({ seq, event }: LedgerRecord): Operation[] {
  if (!('call' in event)) return []
  const own: Operation = { put: callRecordKey(event.call, seq), value: PRESENT }
  switch (event.kind) {
    case 'reserved': {
      const ofTurn = { put: turnKey(event.turn, event.step, event.attempt), value: PRESENT }
      return [own, ofTurn, { put: unsettledKey(event.call), value: PRESENT }]
    }
    case 'sent':
      return [own]
    default:
      return [own, { del: unsettledKey(event.call) }]
  }
}
