import type { Period } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { chargedPeriods } from '../../src/periods/charged.ts'

const SKEW_MS = 600_000
const opened = 'd:2026-11-25' as Period

function chargedAt(time: string): Period[] {
  return chargedPeriods('day', { nowMs: Date.parse(time), skewMs: SKEW_MS }, opened)
}

describe('a clock that was set back after the next day was opened', () => {
  it('by no more than clocks may differ: both days are charged, since it may still be the first', () => {
    expect(chargedAt('2026-11-24T23:41:00Z')).toEqual(['d:2026-11-24', 'd:2026-11-25'])
  })

  it('by more than that: the last opened day alone is charged', () => {
    expect(chargedAt('2026-11-24T20:00:00Z')).toEqual(['d:2026-11-25'])
  })
})
