import { callIdOf, type LedgerEvent, type NanoUsd, type TokenUsage } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { emptyBooks, post } from '../../src/books/books.ts'
import { type Booking, bookingOf } from '../../src/calls/booking.ts'
import { type Call, reservedCall } from '../../src/calls/call.ts'
import { priceOf } from '../../src/prices/cost.ts'
import { callOf, NOON, prices, usage } from '../bench.ts'

const price = priceOf(prices, 'coin')
if (price === undefined) throw new Error('coin has a price')
const { turn } = callOf(1, 'a')
const id = callIdOf(turn, 0, 0)
const nano = (amount: bigint) => amount as NanoUsd
const CENT = 10_000_000n
const max = nano(10n * CENT)
const reservation: Extract<LedgerEvent, { kind: 'reserved' }> = {
  ...{ kind: 'reserved', call: id, turn, step: 0, attempt: 0, thread: null, agent: 'architect', price },
  ...{ periods: ['d:2026-11-22' as never, 'm:2026-11' as never], max },
}
const call: Call = reservedCall(reservation, NOON)
const booked = (told: TokenUsage | null, unclear: string | null = null) =>
  bookingOf({ usage: told, unclear, reply: '{}', providerRequestId: null }, call)

describe('what is charged for a call', () => {
  it('is what its tokens cost', () => {
    const told = usage(7)
    expect(booked(told)).toEqual({ amount: 7n * CENT, usage: told, evidence: 'usage' })
  })

  it('is what the provider says that it charged, if that is more', () => {
    expect(booked(usage(7, { cost: nano(8n * CENT) })).amount).toBe(8n * CENT)
    expect(booked(usage(7, { cost: nano(6n * CENT) })).amount).toBe(7n * CENT)
  })

  it('is the whole hold when no usage came', () => {
    expect(booked(null)).toEqual({ amount: max, usage: null, evidence: 'none' })
  })

  it.each<[string, TokenUsage | null]>([
    ['was found to contradict itself', null],
    ['has half a token', usage(0.5)],
    ['is no number', usage(Number.NaN)],
    ['is below nothing', usage(-1)],
    ['is above every window', usage(1_000_000_001)],
    ['has more read from the cache than the prompt had', usage(1, { input: 9, cachedInput: 10 })],
    ['has more read and written than the prompt had', usage(1, { input: 9, cachedInput: 5, cacheWrite: 5 })],
    ['has more reasoning than output', usage(1, { reasoning: 2 })],
    ['has a cost below nothing', usage(1, { cost: nano(-1n) })],
    ['has a cost beyond all reason', usage(1, { cost: nano(2n ** 62n) })],
  ])('is the whole hold, flagged, for usage that %s', (_, told) => {
    expect(booked(told, 'so it is')).toEqual({ amount: max, usage: null, evidence: 'unclear' })
  })
})

describe('a ledger', () => {
  const settle = (booking: Booking): LedgerEvent => {
    return { kind: 'settled', call: id, ...booking, reply: '{}', providerRequestId: null }
  }
  const lost: LedgerEvent = { kind: 'uncertain', call: id, reason: 'time-out', providerRequestId: null }
  const posted =
    (booking: Booking, before: readonly LedgerEvent[] = []) =>
    () => {
      const books = emptyBooks()
      for (const period of reservation.periods) {
        post(books, { kind: 'opened', period, initial: nano(100n * CENT), manifestVersion: 1 }, NOON)
      }
      const sent: LedgerEvent = { kind: 'sent', call: id }
      for (const event of [reservation, sent, ...before, settle(booking)]) post(books, event, NOON)
      return books.calls.get(id)?.actual
    }

  it.each<[string, Booking]>([
    ['usage', booked(usage(7))],
    ['nothing', booked(null)],
  ])('takes a settlement by %s at its amount', (_, booking) => {
    expect(posted(booking)()).toBe(booking.amount)
  })

  it("takes an operator's word for a call that is uncertain", () => {
    expect(posted({ amount: nano(3n), usage: null, evidence: 'operator' }, [lost])()).toBe(3n)
  })

  it.each<[string, Booking]>([
    ["an operator's word for a call under way", { amount: nano(3n), usage: null, evidence: 'operator' }],
    ['less than the tokens cost', { ...booked(usage(7)), amount: nano(7n * CENT - 1n) }],
    ['less than the provider said', { ...booked(usage(7, { cost: nano(8n * CENT) })), amount: nano(7n * CENT) }],
    ['less than the hold where no usage came', { ...booked(null), amount: nano(9n * CENT) }],
    ['nothing, without evidence', { amount: nano(0n), usage: null, evidence: 'usage' }],
  ])('refuses one of %s', (_, booking) => {
    expect(posted(booking)).toThrow(expect.objectContaining({ code: 'INVARIANT_BROKEN' }))
  })
})
