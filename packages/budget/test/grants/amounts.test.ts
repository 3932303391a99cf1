import type { NanoUsd } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { amountToGive, type Donor, mostToKeep, rateAfter, rateAt, targetHolding } from '../../src/grants/amounts.ts'
import { cents } from './mesh.ts'

const idle: Donor = {
  ...{ unspent: cents(100), keptForOlder: 0n, keptForAll: 0n },
  ...{ ownRate: 0, askersRate: 0, most: cents(1_000) },
}
const need = (least: number, want = least) => ({ least: cents(least), want: cents(want) })

describe('how much a donor gives', () => {
  it('is what the oldest waiting call lacks, also when it is all there is, or only a part of it', () => {
    expect(amountToGive(need(60), idle)).toBe(cents(60))
    expect(amountToGive(need(100), idle)).toBe(cents(100))
    expect(amountToGive(need(150), idle)).toBe(cents(100))
  })

  it('leaves what older calls wait for here, and takes what younger ones do', () => {
    expect(amountToGive(need(80), { ...idle, keptForOlder: cents(70), keptForAll: cents(90) })).toBe(cents(30))
    expect(amountToGive(need(80), { ...idle, keptForOlder: 0n, keptForAll: cents(90) })).toBe(cents(80))
  })

  it('beyond that is shared by how fast both spend, and bounded', () => {
    expect(amountToGive(need(0, 100), idle)).toBe(cents(50))
    expect(amountToGive(need(0, 100), { ...idle, askersRate: 3, ownRate: 1 })).toBe(cents(75))
    expect(amountToGive(need(0, 100), { ...idle, askersRate: 3, ownRate: 0 })).toBe(cents(100))
    expect(amountToGive(need(0, 100), { ...idle, askersRate: 3, most: cents(20) })).toBe(cents(20))
    expect(amountToGive(need(10, 100), { ...idle, askersRate: 3, keptForAll: cents(60) })).toBe(cents(40))
  })

  it('is never more than is left, or wished for, or what older calls leave, whatever the asker says of itself', () => {
    const money = fc.bigInt({ min: 0n, max: 10n ** 12n }).map((amount) => amount as NanoUsd)
    const rate = fc.oneof(
      fc.constantFrom(0, Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NaN),
      fc.double({ min: 0 }),
    )
    const donor = fc.record({
      unspent: money,
      older: money,
      younger: money,
      ownRate: rate,
      askersRate: rate,
      most: money,
    })
    fc.assert(
      fc.property(donor, money, money, ({ older, younger, ...rest }, least, more) => {
        const given = amountToGive(
          { least, want: (least + more) as NanoUsd },
          { ...rest, keptForOlder: older, keptForAll: older + younger },
        )
        expect(given).toBeGreaterThanOrEqual(0n)
        expect(given).toBeLessThanOrEqual(rest.unspent > older ? rest.unspent - older : 0n)
        expect(given).toBeLessThanOrEqual(least + more)
        expect(given).toBeLessThanOrEqual(least + rest.most)
      }),
    )
  })
})

describe('what a node likes to hold', () => {
  it('is what it spends in the time ahead, and never more than its part of the limit', () => {
    const most = mostToKeep(cents(400), 4)
    expect(most).toBe(cents(100))
    const rate = rateAfter({ perMs: 0, atMs: 0 }, cents(30), 0)
    expect(targetHolding(rateAt(rate, 0), most)).toBe(cents(30))
    expect(targetHolding(rateAt(rateAfter(rate, cents(900), 0), 0), most)).toBe(most)
  })

  it('is forgotten when it stops spending', () => {
    const rate = rateAfter({ perMs: 0, atMs: 0 }, cents(30), 0)
    expect(rateAt(rate, 600_000)).toBeCloseTo(rateAt(rate, 0) / Math.E)
    expect(targetHolding(rateAt(rate, 86_400_000), cents(100))).toBe(0n)
    // A clock that was set back adds nothing.
    expect(rateAt(rate, -600_000)).toBe(rateAt(rate, 0))
  })
})
