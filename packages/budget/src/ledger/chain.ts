import {
  decodeLedgerRecord,
  encodeLedgerRecord,
  equalBytes,
  type Incarnation,
  type LedgerEvent,
  type LedgerRecord,
  ledgerRecordHash,
  ProtocolError,
} from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { BudgetError } from '../errors.ts'
import { lastPart, recordKey, under } from './keys.ts'

/** The last record: the next one follows its number and names its hash. */
export interface Head {
  readonly seq: number
  readonly hash: Uint8Array
}

const EMPTY_LEDGER: Head = { seq: 0, hash: new Uint8Array(32) }

export interface SealedRecord {
  readonly record: LedgerRecord
  readonly bytes: Uint8Array
  readonly head: Head
}

/** @throws {BudgetError} BAD_REQUEST for an event that could not be read back */
export function recordAfter(head: Head, event: LedgerEvent, atMs: number): SealedRecord {
  const record: LedgerRecord = { v: 1, seq: head.seq + 1, prev: Uint8Array.from(head.hash), atMs, event }
  try {
    const bytes = encodeLedgerRecord(record)
    return { record, bytes, head: { seq: record.seq, hash: ledgerRecordHash(bytes) } }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new BudgetError('BAD_REQUEST', `the ledger cannot hold this ${event.kind}: ${cause.message}`, { cause })
  }
}

// Opening looks at the end only; the whole chain is what verifyLedger is for.
const TAIL_RECORDS = 16

/** @throws {BudgetError} LEDGER_BROKEN when the last records do not follow one another */
export async function readHead(room: Room): Promise<Head> {
  const last = await readLastSeq(room)
  if (last === 0) return EMPTY_LEDGER
  const first = Math.max(1, last - TAIL_RECORDS)
  let head: Head | undefined
  for await (const link of readChain(room, first)) head = link.head
  return head ?? EMPTY_LEDGER
}

/** 0 of an empty ledger. */
export async function readLastSeq(room: Room): Promise<number> {
  for await (const key of room.keys({ ...under('l/'), reverse: true, limit: 1 })) return Number(lastPart(key))
  return 0
}

/**
 * Records from a number on, each checked against the one before.
 * @throws {BudgetError} LEDGER_BROKEN naming the record
 */
export async function* readChain(room: Room, from = 1): AsyncIterable<SealedRecord> {
  let before: Head | undefined = from === 1 ? EMPTY_LEDGER : undefined
  for await (const [key, bytes] of room.entries({ ...under('l/'), gte: recordKey(from) })) {
    const record = readable(bytes, Number(lastPart(key)))
    if (before !== undefined && (record.seq !== before.seq + 1 || !equalBytes(record.prev, before.hash))) {
      throw new BudgetError('LEDGER_BROKEN', `record ${record.seq} does not follow record ${before.seq}`)
    }
    before = { seq: record.seq, hash: ledgerRecordHash(bytes) }
    yield { record, bytes, head: before }
  }
}

/** @throws {BudgetError} LEDGER_BROKEN when it is not there */
export async function readRecordHash(room: Room, seq: number): Promise<Uint8Array> {
  const bytes = await room.get(recordKey(seq))
  if (bytes === undefined) throw new BudgetError('LEDGER_BROKEN', `record ${seq} is missing`)
  return ledgerRecordHash(bytes)
}

/** @throws {BudgetError} LEDGER_BROKEN when it is not there or not readable */
export async function readRecord(room: Room, seq: number): Promise<LedgerRecord> {
  const bytes = await room.get(recordKey(seq))
  if (bytes === undefined) throw new BudgetError('LEDGER_BROKEN', `record ${seq} is missing`)
  return readable(bytes, seq)
}

function readable(bytes: Uint8Array, seq: number): LedgerRecord {
  try {
    const record = decodeLedgerRecord(bytes)
    if (record.seq === seq) return record
  } catch (cause) {
    throw new BudgetError('LEDGER_BROKEN', `record ${seq} cannot be read`, { cause })
  }
  throw new BudgetError('LEDGER_BROKEN', `record ${seq} stands in another's place`)
}

/** The first record of a new account: the incarnation is its name. */
export function createdRecord({
  now,
  randomBytes,
}: {
  now: () => number
  randomBytes: (length: number) => Uint8Array
}): {
  readonly own: Incarnation
  readonly record: { readonly put: string; readonly value: Uint8Array }
} {
  const own = hex(randomBytes(16)) as Incarnation
  const { bytes } = recordAfter(EMPTY_LEDGER, { kind: 'created', incarnation: own }, now())
  return { own, record: { put: recordKey(1), value: bytes } }
}

/** @throws {BudgetError} LEDGER_BROKEN */
export async function readIncarnation(room: Room): Promise<Incarnation> {
  const { event } = await readRecord(room, 1)
  if (event.kind !== 'created') throw new BudgetError('LEDGER_BROKEN', 'the first record does not name the account')
  return event.incarnation
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
