import { hash } from 'node:crypto'
import {
  type Incarnation,
  type LedgerEvent,
  type MeshId,
  openGrant,
  openSlot,
  ProtocolError,
  readGrant,
} from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { type Books, emptyBooks, post } from '../books/books.ts'
import { movedBefore, NO_TRANSFERS } from '../books/transfers.ts'
import { BudgetError } from '../errors.ts'
import { readChain } from './chain.ts'
import {
  ACKED,
  costViewKey,
  forkKey,
  lastPart,
  META,
  overrunKey,
  slotViewKey,
  uncertainKey,
  under,
  unsettledKey,
} from './keys.ts'
import { readLedgers } from './ledgers.ts'
import { indexOperations } from './page.ts'
import { readMeta } from './read.ts'
import { checkAcked, checkMinted, checkOpened } from './verify-rights.ts'
import { type Meta, putBalance, putTransfers, putView } from './views.ts'

export interface VerifiedLedger {
  readonly incarnation: Incarnation | null
  readonly records: number
  /** Reserved or sent, without an outcome. */
  readonly unsettled: number
  readonly uncertain: number
}

/**
 * Reads the ledger in use again, all of it: chain, state machine and invariants, and that everything derived from it is what it
 * adds up to, with the mesh's id also the sealed slots. Costs a pass over all records; holds every period and every call
 * without final state in memory. Not while the budget is open on the same room.
 * @throws {BudgetError} LEDGER_BROKEN or INVARIANT_BROKEN, naming the first thing that is wrong
 */
export async function verifyLedger(whole: Room, mesh?: MeshId): Promise<VerifiedLedger> {
  const { room } = await readLedgers(whole)
  const books = emptyBooks()
  const index = createKeySum()
  let records = 0
  let incarnation: Incarnation | null = null
  let boot: Meta['boot'] | undefined
  let ackedAt: number | undefined
  for await (const { record } of readChain(room)) {
    const { event, atMs } = record
    if (event.kind === 'granted' || event.kind === 'credited') checkGrant(record.seq, event, { incarnation, mesh })
    if (event.kind === 'acked')
      readable(`l/${record.seq}`, () => checkAcked({ ...record, event }, books, { incarnation, mesh }))
    if (event.kind === 'opened') checkOpened(record.seq, event, books)
    if (event.kind === 'minted') checkMinted(record.seq, event, books)
    post(books, event, atMs)
    if (event.kind === 'acked') ackedAt = record.seq
    for (const operation of indexOperations(record)) if (isIndexRow(operation)) index.add(operation.put)
    records = record.seq
    if (event.kind === 'created') incarnation = event.incarnation
    if (event.kind === 'booted') boot = { counter: event.counter, nonce: event.nonce }
    if (isFinal(event)) books.calls.delete(event.call)
  }
  const calls = [...books.calls.values()]
  const unsettled = calls.filter(({ state }) => state !== 'uncertain')
  await compareViews(room, books)
  await compareIndex(room, index.sum())
  const signedSeq = mesh && Math.max(books.signedSeq, await compareSlots(room, books, mesh))
  await compareMeta(room, boot, signedSeq)
  await compareAcked(room, ackedAt)
  return { incarnation, records, unsettled: unsettled.length, uncertain: calls.length - unsettled.length }
}

/** That it is a grant of this account or to it, and with the mesh's id that the donor signed it. */
function checkGrant(
  seq: number,
  { kind, grant: bytes }: Extract<LedgerEvent, { kind: 'granted' | 'credited' }>,
  { incarnation, mesh }: { incarnation: Incarnation | null; mesh: MeshId | undefined },
): void {
  const grant = readable(`l/${seq}`, () => (mesh === undefined ? readGrant(bytes) : openGrant(bytes, mesh)))
  const own = kind === 'granted' ? grant.from : grant.to.account
  if (own.incarnation !== incarnation) throw broken(`record ${seq} holds a grant of other accounts`)
}

function isFinal(event: LedgerEvent): event is Extract<LedgerEvent, { kind: 'settled' | 'released' }> {
  return event.kind === 'settled' || event.kind === 'released'
}

/** @param books with the calls that have no final state */
async function compareViews(room: Room, books: Books): Promise<void> {
  const expected = new Map(
    [...books.calls.values()].map(({ id, state }): [string, Uint8Array] => {
      return [state === 'uncertain' ? uncertainKey(id) : unsettledKey(id), new Uint8Array()]
    }),
  )
  const views = [
    ...[...books.balances.values()].map(putBalance),
    ...[...books.balances.values()].flatMap(({ period, transfers }) => {
      return transfers === NO_TRANSFERS ? [] : [putTransfers(period, transfers)]
    }),
    ...[...books.forked.values()].map(({ account, proof }) => ({ put: forkKey(account), value: proof })),
    ...[...books.costs].map(([key, row]) => putView(costViewKey(key), row)),
    ...[...books.overruns].map(([model, { id }]) => ({ put: overrunKey(model), value: Buffer.from(id) })),
  ]
  for (const view of views) if ('put' in view) expected.set(view.put, view.value)
  for (const prefix of ['b/', 'f/', 'g/', 'k/', 'o/', 'p/', 'u/']) {
    for await (const [key, value] of room.entries(under(prefix))) {
      const wanted = expected.get(key)
      if (wanted === undefined || Buffer.compare(wanted, value) !== 0) throw differs(key)
      expected.delete(key)
    }
  }
  const [missing] = expected.keys()
  if (missing !== undefined) throw differs(missing)
}

/** Rows that stay: how a call's records, a turn's calls and the openings are found again. */
const INDEX_PREFIXES = ['c/', 'n/', 't/']

function isIndexRow(operation: Operation): operation is Extract<Operation, { put: string }> {
  return 'put' in operation && INDEX_PREFIXES.some((prefix) => operation.put.startsWith(prefix))
}

async function compareIndex(room: Room, expected: string): Promise<void> {
  const found = createKeySum()
  for (const prefix of INDEX_PREFIXES) for await (const key of room.keys(under(prefix))) found.add(key)
  if (found.sum() !== expected) throw broken('the index of calls, turns and openings is not that of the records')
}

/** Stands for a set of keys, added in any order, each once: a ledger has too many to hold them all. */
function createKeySum(): { add(key: string): void; sum(): string } {
  let count = 0
  let sum = 0
  return {
    add(key) {
      count += 1
      sum = (sum + hash('sha256', key, 'buffer').readUIntBE(0, 6)) % 2 ** 48
    },
    sum: () => `${count}/${sum}`,
  }
}

/** @returns the highest number of a slot */
async function compareSlots(room: Room, { balances }: Books, mesh: MeshId): Promise<number> {
  let highest = 0
  for await (const [key, bytes] of room.entries(under('s/'))) {
    const slot = readable(key, () => openSlot(bytes, mesh))
    const { period, initial, reserved, released, overrun, seq } = slot
    const balance = balances.get(period)
    // It was sealed when it was last asked for, and its counters only grow.
    const fits =
      key === slotViewKey(period) &&
      balance?.initial === initial &&
      balance.reserved >= reserved &&
      balance.released >= released &&
      balance.overrun >= overrun &&
      slot.granted.every(({ account, boot, cumulative }) => {
        return cumulative <= movedBefore(balance.transfers.given, { party: account, boot })
      })
    if (!fits) throw differs(key)
    highest = Math.max(highest, seq)
  }
  return highest
}

async function compareMeta(room: Room, boot: Meta['boot'] | undefined, signedSeq: number | undefined): Promise<void> {
  const meta = await readMeta(room)
  const sameBoot = meta?.boot.counter === boot?.counter && meta?.boot.nonce === boot?.nonce
  if (!sameBoot || (signedSeq !== undefined && (meta?.signedSeq ?? 0) !== signedSeq)) throw differs(META)
}

async function compareAcked(room: Room, seq: number | undefined): Promise<void> {
  const kept = await room.get(ACKED)
  if ((kept && Buffer.from(kept).toString()) !== seq?.toString()) throw differs(ACKED)
}

function readable<T>(key: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw broken(`what is kept as ${key} cannot be read: ${cause.message}`, cause)
  }
}

function differs(key: string): BudgetError {
  return broken(`what is kept as ${key} (${lastPart(key)}) is not what the ledger adds up to`)
}

function broken(words: string, cause?: unknown): BudgetError {
  return new BudgetError('LEDGER_BROKEN', words, { cause })
}
