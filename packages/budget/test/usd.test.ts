import type { NanoUsd } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatUsd, parseUsd } from '../src/usd.ts'

describe('an amount of dollars', () => {
  it.each([
    ['2', 2_000_000_000n],
    ['2.00', 2_000_000_000n],
    [' $0.0123 ', 12_300_000n],
    ['0.000000001', 1n],
    ['9223372036.854775807', 2n ** 63n - 1n],
  ])('"%s" is read exactly', (text, amount) => {
    expect(parseUsd(text)).toBe(amount)
  })

  it.each(['', '-1', '+1', '1e3', '1,000', '.5', '1.', '0.0000000001', '9223372036.854775808', 'NaN', '1 USD'])(
    '"%s" is refused with an example',
    (text) => {
      expect(() => parseUsd(text)).toThrow(expect.objectContaining({ code: 'BAD_AMOUNT' }))
    },
  )

  it.each([
    [0n, '$0.00'],
    [1n, '$0.000000001'],
    [1_250n, '$0.00000125'],
    [9_999_999n, '$0.01'],
    [12_300_000n, '$0.0123'],
    [12_345_678n, '$0.0123'],
    [500_000_000n, '$0.50'],
    [2_000_000_000n, '$2.00'],
    [33_333_333_333n, '$33.3333'],
    [100_000_000_000n, '$100.00'],
  ])('%d nano-dollars are shown as %s', (amount, text) => {
    expect(formatUsd(amount as NanoUsd)).toBe(text)
  })

  it('is never shown as nothing when it is something, and off by half of its last digit at most', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 62n }), (amount) => {
        const shown = parseUsd(formatUsd(amount as NanoUsd))
        expect(shown).toBeGreaterThan(0n)
        const error = shown > amount ? shown - amount : amount - shown
        expect(error * 200n).toBeLessThanOrEqual(amount)
      }),
    )
  })
})
