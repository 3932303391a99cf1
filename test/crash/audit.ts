import { join } from 'node:path'
import { verifyLedger } from '@bzzz/budget'
import { decodeLedgerRecord, type LedgerEvent } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import type { Bill } from './billing-server.ts'

/** A call as the ledger tells it, read record by record rather than by the room's own reader. */
export interface Booking {
  readonly call: string
  readonly turn: string
  readonly max: bigint
  readonly sent: boolean
  readonly state: 'open' | 'settled' | 'uncertain' | 'released'
  /** What it was charged with. */
  readonly charged: bigint
}

/** Of a node that does not run: the ledger as it is on disk, once it has been verified from its first record on. */
export async function readBookings(directory: string): Promise<Map<string, Booking>> {
  const state = await openState({ directory: join(directory, 'state') })
  try {
    const room = state.room('budget')
    await verifyLedger(room)
    const bookings = new Map<string, Booking>()
    for await (const [, bytes] of room.entries({ gte: 'l/', lt: 'l0' })) book(bookings, decodeLedgerRecord(bytes).event)
    return bookings
  } finally {
    await state.close()
  }
}

function book(bookings: Map<string, Booking>, event: LedgerEvent): void {
  if (event.kind === 'reserved') {
    const { call, turn, max } = event
    bookings.set(call, { call, turn, max, sent: false, state: 'open', charged: max })
  } else if ('call' in event) {
    const booking = bookings.get(event.call)
    if (booking === undefined) throw new Error(`a ${event.kind} of ${event.call} before its reservation`)
    bookings.set(event.call, { ...booking, ...changeOf(event) })
  }
}

function changeOf(event: Extract<LedgerEvent, { call: string }>): Partial<Booking> {
  switch (event.kind) {
    case 'sent':
      return { sent: true }
    case 'settled':
      return { state: 'settled', charged: event.amount }
    case 'uncertain':
      return { state: 'uncertain' }
    case 'released':
      return { state: 'released', charged: 0n }
    case 'reserved':
      return {}
  }
}

/** @returns what is wrong with a node's ledger, in the light of what it was billed */
export function faultsOf(bookings: ReadonlyMap<string, Booking>, bills: readonly Bill[]): string[] {
  const billed = new Map<string, number>()
  for (const { call } of bills) billed.set(call, (billed.get(call) ?? 0) + 1)
  const total = (amounts: readonly bigint[]) => amounts.reduce((sum, amount) => sum + amount, 0n)
  const charged = total([...bookings.values()].map((booking) => booking.charged))
  const due = total(bills.map(({ amount }) => amount))
  return [
    ...[...billed].flatMap(([call, times]) => (times > 1 ? [`${call} was sent ${times} times`] : [])),
    ...bills.flatMap((bill) => faultsOfBill(bill, bookings.get(bill.call))),
    ...turnsOf(bookings).flatMap(faultsOfTurn),
    ...(charged < due ? [`${charged} was charged in all and ${due} billed`] : []),
  ]
}

function faultsOfBill({ call, amount }: Bill, booking: Booking | undefined): string[] {
  if (booking === undefined) return [`${call} was billed and never held`]
  const { sent, max, state, charged } = booking
  return [
    ...(sent ? [] : [`${call} was billed and never marked as sent`]),
    ...(max < amount ? [`${call} was billed ${amount} and only ${max} held`] : []),
    ...(charged < amount ? [`${call} was billed ${amount} and is ${state} at ${charged}`] : []),
  ]
}

function turnsOf(bookings: ReadonlyMap<string, Booking>): Booking[][] {
  return [...Map.groupBy(bookings.values(), ({ turn }) => turn).values()]
}

/** Each call but the last one of a turn must have come to grief: an answer that was paid for is not asked for again. */
function faultsOfTurn(calls: readonly Booking[]): string[] {
  const answered = calls.filter(({ state }) => state === 'settled').length
  const open = calls.filter(({ state }) => state === 'open').length
  const turn = calls[0]?.turn
  return [
    ...(answered > 1 ? [`${turn} was answered ${answered} times`] : []),
    ...(open > 0 ? [`${turn} has ${open} calls without an outcome`] : []),
  ]
}
