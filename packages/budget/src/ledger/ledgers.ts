import { decodeCanonical, encodeCanonical, type Incarnation, incarnation } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { z } from 'zod'
import { createdRecord, readIncarnation, readLastSeq } from './chain.ts'
import { recordKey } from './keys.ts'
import { roomWithin } from './within.ts'

/**
 * The ledgers of one machine, oldest first; the last one is in use. A ledger that may not go on is left as it is, and its
 * account's rights count as spent: the next one is another account. The first lies in the room itself, the others under
 * `i/<incarnation>/`; the row `ledgers` says which, and is not there before the second.
 */
export interface Ledgers {
  readonly room: Room
  /** Undefined before the first record. */
  readonly incarnation: Incarnation | undefined
  readonly former: readonly FormerLedger[]
}

export interface FormerLedger {
  readonly incarnation: Incarnation
  readonly why: EndOfLedger
  readonly endedMs: number
  /** Where its records are; null when they are gone. */
  readonly room: Room | null
}

/**
 * - `put-back`: the mark outside of it was ahead of it
 * - `outrun`: somebody had something that its account signed and it did not hold
 * - `lost`: there was a mark of it, and no ledger
 * - `renewed`: an operator's word
 */
export type EndOfLedger = 'put-back' | 'outrun' | 'lost' | 'renewed'

const LEDGERS = 'ledgers'
// The oldest are dropped from the list; their records stay.
const MAX_FORMER = 64
const MAX_ROW_BYTES = 16 * 1024

const row = z.strictObject({
  v: z.literal(1),
  current: incarnation,
  former: z.array(
    z.strictObject({
      incarnation,
      why: z.enum(['put-back', 'outrun', 'lost', 'renewed']),
      endedMs: z.number().int().min(0),
      /** Prefix of its keys; null when its records are gone. */
      place: z.string().nullable(),
    }),
  ),
  /** Prefix of the current one's. */
  place: z.string(),
})
type Row = z.infer<typeof row>

export interface LedgerTools {
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
}

export async function readLedgers(room: Room): Promise<Ledgers> {
  const known = await readRow(room)
  const current = roomWithin(room, known?.place ?? '')
  const former = (known?.former ?? []).map(({ place, ...ledger }) => {
    return { ...ledger, room: place === null ? null : roomWithin(room, place) }
  })
  const isEmpty = (await readLastSeq(current)) === 0
  return { room: current, incarnation: isEmpty ? undefined : await readIncarnation(current), former }
}

/**
 * Begins the ledger of an account: the incarnation is its name, and a new one is a new account. Answers the one that is
 * in use when there is one.
 */
export async function createAccount(room: Room, tools: LedgerTools): Promise<Incarnation> {
  const { incarnation: own } = await readLedgers(room)
  return own ?? (await beginFirst(room, tools))
}

/** @param lost the account of which there is a mark and no ledger */
export async function beginFirst(room: Room, tools: LedgerTools, lost?: Incarnation): Promise<Incarnation> {
  const { own, record } = createdRecord(tools)
  const former = lost && [{ incarnation: lost, why: 'lost' as const, endedMs: tools.now(), place: null }]
  await room.write([record, ...(former === undefined ? [] : [putRow({ v: 1, current: own, former, place: '' })])])
  return own
}

/**
 * Leaves the ledger in use as it is and begins another, of a new account without rights of its own, in one write. Not while
 * a budget is open on the room.
 */
export async function renewLedger(room: Room, why: EndOfLedger, tools: LedgerTools): Promise<Incarnation> {
  const before = await readRow(room)
  const place = before?.place ?? ''
  const ended = { incarnation: await readIncarnation(roomWithin(room, place)), why, endedMs: tools.now(), place }
  const { own, record } = createdRecord(tools)
  const next = `i/${own}/`
  const former = [...(before?.former ?? []), ended].slice(-MAX_FORMER)
  await room.write([{ ...record, put: next + recordKey(1) }, putRow({ v: 1, current: own, former, place: next })])
  return own
}

async function readRow(room: Room): Promise<Row | undefined> {
  const bytes = await room.get(LEDGERS)
  return bytes === undefined ? undefined : decodeCanonical(bytes, row, MAX_ROW_BYTES)
}

function putRow(value: Row): Operation {
  return { put: LEDGERS, value: encodeCanonical(value) }
}
