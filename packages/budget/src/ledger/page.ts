import type { LedgerEvent, LedgerRecord, Period } from '@bzzz/protocols'
import type { Operation } from '@bzzz/store'
import type { Balance } from '../books/balance.ts'
import { post } from '../books/books.ts'
import type { CostRow } from '../books/costs.ts'
import { NO_TRANSFERS } from '../books/transfers.ts'
import { type Head, recordAfter } from './chain.ts'
import {
  ACKED,
  bootKey,
  callRecordKey,
  costViewKey,
  forkKey,
  META,
  overrunKey,
  recordKey,
  slotViewKey,
  turnKey,
  uncertainKey,
  unsettledKey,
} from './keys.ts'
import type { HeldPeriod } from './read.ts'
import type { Standing } from './standing.ts'
import { type Meta, putBalance, putTransfers, putView } from './views.ts'
import type { WorkingSet } from './working-set.ts'

/** What a slot says besides its balance. */
export interface SealAs {
  readonly seq: number
  readonly boot: Meta['boot']
  readonly wallMs: number
  /** The period's slot before. */
  readonly before: Uint8Array | null
}

export interface Seal {
  of(balance: Balance, as: SealAs): Uint8Array
  /** Whether the account ends: an open slot does not tell that, whatever it was sealed for. */
  ends(): boolean
}

/** Records that go to disk as one atomic batch, with everything that is derived from them. */
export interface Page {
  readonly records: readonly LedgerRecord[]
  /** All or none. @throws {BudgetError} BAD_REQUEST when the ledger cannot hold one of them */
  append(events: readonly LedgerEvent[]): void
  /** Seals what has changed of these periods since they were sealed, as they stand at the end of the page. */
  seal(periods: readonly Period[]): void
  finish(seal: Seal): FinishedPage
}

interface FinishedPage {
  readonly operations: readonly Operation[]
  readonly head: Head
  readonly meta: Meta
  /** Those that changed. */
  readonly periods: readonly HeldPeriod[]
  readonly costs: ReadonlyArray<readonly [string, CostRow]>
}

export function openPage(standing: Standing, { books, periods: onDisk }: WorkingSet, atMs: number): Page {
  const loaded = { balances: new Map(books.balances), costs: new Map(books.costs), overruns: new Map(books.overruns) }
  const records: LedgerRecord[] = []
  const operations: Operation[] = []
  const toSeal = new Set<Period>()
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

  function finish(seal: Seal): FinishedPage {
    const { boot } = standing.meta
    const periods = new Map(
      changed(loaded.balances, books.balances).map(([period, balance]): [Period, HeldPeriod] => {
        operations.push(putBalance(balance))
        const { transfers } = balance
        const moved = transfers !== (loaded.balances.get(period)?.transfers ?? NO_TRANSFERS)
        if (moved) operations.push(putTransfers(period, transfers))
        const before = onDisk.get(period)
        return [period, { balance, slot: before?.slot ?? null, sealed: before?.sealed ?? null }]
      }),
    )
    for (const period of toSeal) {
      const held = periods.get(period) ?? onDisk.get(period)
      if (held === undefined || isSealed(held, seal)) continue
      const { balance, slot: before } = held
      const slot = seal.of(balance, { seq: ++books.signedSeq, boot, wallMs: atMs, before })
      operations.push({ put: slotViewKey(period), value: slot })
      periods.set(period, { balance, slot, sealed: balance })
    }
    const { signedSeq } = books
    const meta = { boot, signedSeq }
    const isNews = signedSeq !== standing.meta.signedSeq || records.some(({ event }) => event.kind === 'booted')
    if (isNews) operations.push(putView(META, meta))
    const costs = changed(loaded.costs, books.costs)
    for (const [key, row] of costs) operations.push(putView(costViewKey(key), row))
    for (const [model, call] of changed(loaded.overruns, books.overruns)) {
      operations.push({ put: overrunKey(model), value: Buffer.from(call.id) })
    }
    return { operations, head, meta, periods: [...periods.values()], costs }
  }

  function seal(of: readonly Period[]): void {
    for (const period of of) toSeal.add(period)
  }

  return { records, append, seal, finish }
}

/** In this opening: one of an earlier opening is sealed anew, so that two openings of one count are noticed at once. */
function isSealed({ balance, slot, sealed }: HeldPeriod, seal: Seal): boolean {
  return slot !== null && sealed === balance && !seal.ends()
}

function changed<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): [K, V][] {
  return [...after].filter(([key, value]) => before.get(key) !== value)
}

const PRESENT = new Uint8Array()

/** How a record is found again by its call and turn, openings and proofs, and which calls wait for an outcome. */
export function indexOperations({ seq, event }: LedgerRecord): Operation[] {
  if (event.kind === 'booted') return [{ put: bootKey(event.nonce), value: Buffer.from(String(event.counter)) }]
  if (event.kind === 'acked') return [{ put: ACKED, value: Buffer.from(String(seq)) }]
  if (event.kind === 'forked') return [{ put: forkKey(event.account), value: event.proof }]
  if (!('call' in event)) return []
  const own: Operation = { put: callRecordKey(event.call, seq), value: PRESENT }
  switch (event.kind) {
    case 'reserved': {
      const ofTurn = { put: turnKey(event.turn, event.step, event.attempt), value: PRESENT }
      return [own, ofTurn, { put: unsettledKey(event.call), value: PRESENT }]
    }
    case 'sent':
      return [own]
    case 'uncertain':
      return [own, { del: unsettledKey(event.call) }, { put: uncertainKey(event.call), value: PRESENT }]
    case 'settled':
      return [own, { del: unsettledKey(event.call) }, { del: uncertainKey(event.call) }]
    case 'released':
      return [own, { del: unsettledKey(event.call) }]
  }
}
