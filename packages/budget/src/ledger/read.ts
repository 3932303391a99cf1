import { type CallId, callIdOf, type Incarnation, type Period, type TurnId } from '@bzzz/protocols'
import type { Range, Room } from '@bzzz/store'
import { type Acknowledged, readAcked } from '../books/acked.ts'
import type { Balance } from '../books/balance.ts'
import type { CostRow } from '../books/costs.ts'
import { type Call, type CallState, nextCall, reservedCall } from '../calls/call.ts'
import { BudgetError } from '../errors.ts'
import { readRecord } from './chain.ts'
import {
  ACKED,
  balanceKey,
  bootKey,
  costViewKey,
  lastPart,
  META,
  slotViewKey,
  transfersKey,
  turnPrefix,
  under,
} from './keys.ts'
import { decodeBalance, decodeCost, decodeMeta, type Meta } from './views.ts'

/** A call as its own records tell it, reply included; undefined when it was never reserved. */
export async function readCall(room: Room, id: CallId): Promise<CallState | undefined> {
  let call: Call | undefined
  let reply: string | null = null
  for await (const key of room.keys(under(`c/${id}/`))) {
    const { event, atMs } = await readRecord(room, Number(lastPart(key)))
    if (event.kind === 'reserved') call = reservedCall(event, atMs)
    else if (call !== undefined && 'call' in event) call = nextCall(call, event)
    else throw new BudgetError('LEDGER_BROKEN', `call ${id.slice(0, 12)} has a ${event.kind} before its reservation`)
    if (event.kind === 'settled') reply = event.reply
  }
  return call === undefined ? undefined : { ...call, reply }
}

/** Calls of a turn, or of one step of it, in ascending (step, attempt). */
export async function readTurn(room: Room, turn: TurnId, ofStep?: number): Promise<CallState[]> {
  const calls: CallState[] = []
  for await (const key of room.keys(under(turnPrefix(turn, ofStep)))) {
    const [step = '', attempt = ''] = key.split('/').slice(2)
    const call = await readCall(room, callIdOf(turn, Number(step), Number(attempt)))
    if (call !== undefined) calls.push(call)
  }
  return calls
}

/** Ids of calls that begin so, ascending: one look for each, however many records it has. */
export async function readNames(room: Room, prefix: string, limit: number): Promise<CallId[]> {
  const names: CallId[] = []
  let from = `c/${prefix}`
  while (names.length < limit) {
    const [key] = await firstKey(room, { gte: from, lt: `c/${prefix}g` }) // 'g' follows every digit of an id
    if (key === undefined) break
    const name = key.split('/')[1] as CallId
    names.push(name)
    from = `c/${name}0`
  }
  return names
}

async function firstKey(room: Room, range: Range): Promise<string[]> {
  const keys: string[] = []
  for await (const key of room.keys({ ...range, limit: 1 })) keys.push(key)
  return keys
}

/** Calls that may have been billed and nobody knows, in the order of their ids. */
export async function readUncertain(room: Room, limit: number): Promise<CallState[]> {
  const calls: CallState[] = []
  for await (const key of room.keys({ ...under('u/'), limit })) {
    const call = await readCall(room, lastPart(key) as CallId)
    if (call !== undefined) calls.push(call)
  }
  return calls
}

export interface HeldPeriod {
  readonly balance: Balance
  /** As it was sealed last; null when it never was. */
  readonly slot: Uint8Array | null
  /** What the slot was sealed of; null when that was before the last opening. */
  readonly sealed: Balance | null
}

export async function readPeriod(room: Room, period: Period): Promise<HeldPeriod | undefined> {
  if (!room.has(balanceKey(period))) return undefined // a thread without a cap, asked for with each of its calls
  const keys = [balanceKey(period), transfersKey(period), slotViewKey(period)]
  const [balance, transfers, slot] = await Promise.all(keys.map((key) => room.get(key)))
  if (balance === undefined) return undefined
  return { balance: decodeBalance(balance, transfers), slot: slot ?? null, sealed: null }
}

/** The newest periods with a prefix (`p/d:`), newest label first. */
export async function readNewestPeriods(room: Room, prefix: string, limit: number): Promise<Period[]> {
  const periods: Period[] = []
  // ';' follows ':' in ASCII
  for await (const key of room.keys({ gte: prefix, lt: `${prefix.slice(0, -1)};`, reverse: true, limit })) {
    periods.push(key.slice('p/'.length) as Period)
  }
  return periods
}

export async function readCost(room: Room, key: string): Promise<CostRow | undefined> {
  const bytes = await room.get(costViewKey(key))
  return bytes === undefined ? undefined : decodeCost(bytes)
}

export async function readCostsOfDay(room: Room, day: Period): Promise<CostRow[]> {
  const rows: CostRow[] = []
  for await (const [, bytes] of room.entries(under(`b/${day}/`))) rows.push(decodeCost(bytes))
  return rows
}

/** Which opening of the ledger drew this number, from 1; undefined when none did. */
export async function readBoot(room: Room, nonce: Incarnation): Promise<number | undefined> {
  const counter = await room.get(bootKey(nonce))
  return counter === undefined ? undefined : Number(Buffer.from(counter).toString())
}

/** @throws {BudgetError} LEDGER_BROKEN */
export async function readAcknowledged(room: Room): Promise<Acknowledged | undefined> {
  const seq = await room.get(ACKED)
  if (seq === undefined) return undefined
  const { event } = await readRecord(room, Number(Buffer.from(seq).toString()))
  if (event.kind === 'acked') return readAcked(event)
  throw new BudgetError('LEDGER_BROKEN', `a ${event.kind} stands where a manifest is acknowledged`)
}

export async function readMeta(room: Room): Promise<Meta | undefined> {
  const bytes = await room.get(META)
  return bytes === undefined ? undefined : decodeMeta(bytes)
}
