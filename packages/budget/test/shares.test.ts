import { accountKey, type NanoUsd } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shareOfCap, splitByWeight, splitCap } from '../src/shares.ts'
import { parseUsd } from '../src/usd.ts'
import { signerNamed } from './bench.ts'

const homes = ['walnut', 'ironwood', 'acacia'].map((name, index) => ({
  account: { peer: signerNamed(name).peer, incarnation: String(index).repeat(32) as never },
  weight: index + 1,
}))

describe('shares', () => {
  it('round down and never add up to more than the amount, nor to much less', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 64 })
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 62n }), weights, (amount, parts) => {
        const sum = splitByWeight(amount as NanoUsd, parts).reduce<bigint>((total, share) => total + share, 0n)
        expect(sum).toBeLessThanOrEqual(amount)
        expect(amount - sum).toBeLessThan(BigInt(parts.length))
      }),
    )
  })

  it('of a cap fit its entry and are found by account', () => {
    const cap = splitCap(parseUsd('2'), homes)
    expect(cap.amount).toBe('2000000000')
    expect(homes.map(({ account }) => shareOfCap(cap, account))).toEqual([333_333_333n, 666_666_666n, 1_000_000_000n])
    expect(shareOfCap(cap, { peer: signerNamed('stranger').peer, incarnation: '9'.repeat(32) as never })).toBe(0n)
    expect(new Set(cap.shares.map(({ account }) => accountKey(account))).size).toBe(3)
  })

  it.each([
    ['no account', []],
    ['an account twice', [...homes, ...homes]],
    ['a weight of nothing', homes.map((home) => ({ ...home, weight: 0 }))],
    ['half a weight', homes.map((home) => ({ ...home, weight: 0.5 }))],
  ])('are refused for %s', (_, wrong) => {
    expect(() => splitCap(parseUsd('2'), wrong)).toThrow(expect.objectContaining({ code: 'BAD_SHARES' }))
  })

  it('that name an account twice bind nobody', () => {
    const [first] = splitCap(parseUsd('1'), homes).shares
    if (first === undefined) throw new Error('no share')
    const cap = { amount: '1000000000', shares: [first, first] }
    expect(() => shareOfCap(cap, first.account)).toThrow(expect.objectContaining({ code: 'BAD_SHARES' }))
  })
})
