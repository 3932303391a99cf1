import { entry, type Finding, MAX_ENTRY_BYTES, type TurnId } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { boundedClaim, findingEntry, messageEntry } from '../../src/turns/entries.ts'
import { FINDING } from '../fakes/seats.ts'
import { agentAt } from '../fakes/world.ts'

const turn = 'a'.repeat(64) as TurnId
const head = { id: turn, turn, author: agentAt(0), ts: 0, model: 'm', tokens: { input: 1, output: 1 }, cost: '1' }
const bytes = (value: object) => Buffer.byteLength(JSON.stringify(value))

describe('the entry of a reading', () => {
  it('keeps the most severe findings when they do not all fit, and says how many are left out', () => {
    const low = Array<Finding>(400).fill({ ...FINDING, severity: 'low', message: 'm'.repeat(1_000) })
    const written = findingEntry(head, 'read', [...low, { ...FINDING, severity: 'critical' }], [])
    expect(entry.safeParse(written).success).toBe(true)
    expect(bytes(written)).toBeLessThanOrEqual(MAX_ENTRY_BYTES)
    expect(written.findings[0]?.severity).toBe('critical')
    expect(written.content).toBe(
      `read\n(${401 - written.findings.length} less severe findings did not fit this entry.)`,
    )
  })

  it('measures each finding once, however many have to go', () => {
    let measured = 0
    const long: Finding = { ...FINDING, message: 'm'.repeat(4_000) }
    const weighed = {
      ...long,
      toJSON: () => {
        measured++
        return long
      },
    }
    const written = findingEntry(head, 'read', Array<Finding>(500).fill(weighed), [])
    expect(written.findings.length).toBeGreaterThan(20)
    expect(measured).toBeLessThanOrEqual(500)
    expect(bytes(written)).toBeLessThanOrEqual(MAX_ENTRY_BYTES)
    expect(bytes(written) + bytes(long) + 1).toBeGreaterThan(MAX_ENTRY_BYTES)
  })

  it('keeps all findings that fit to the byte', () => {
    const wide = Array<Finding>(20).fill({ ...FINDING, message: '\u0000'.repeat(900) })
    const summary = '\u0000'.repeat(10_000)
    const written = findingEntry(head, summary, wide, [])
    expect(bytes(written)).toBeLessThanOrEqual(MAX_ENTRY_BYTES)
    expect(written.findings.length).toBeGreaterThanOrEqual(10)
  })

  it('folds a long coverage without ever counting an unread file as read', () => {
    const rows = Array.from({ length: 2_000 }, (_, i) => ({ file: `${'d/'.repeat(20)}${i}.ts`, reviewed: i > 0 }))
    expect(findingEntry(head, '', [], rows).coverage).toEqual([
      { file: '*', reviewed: true, reason: '1999 files' },
      rows[0],
    ])
    const unread = rows.map((row) => ({ ...row, reviewed: false }))
    expect(findingEntry(head, '', [], unread).coverage).toEqual([
      { file: '*', reviewed: false, reason: '2000 of 2000 files' },
    ])
  })

  it('keeps rows of what was read when most was not, so that it does not look as if nothing was', () => {
    const rows = Array.from({ length: 2_000 }, (_, i) => ({ file: `${'d/'.repeat(20)}${i}.ts`, reviewed: i < 300 }))
    const { coverage } = findingEntry(head, '', [], rows)
    expect(coverage).toEqual([{ file: '*', reviewed: false, reason: '1700 of 2000 files' }, ...rows.slice(0, 300)])
    const half = rows.map((row, i) => ({ ...row, reviewed: i % 2 === 0 }))
    const folded = findingEntry(head, '', [], half).coverage
    expect(folded.slice(1).every(({ reviewed }) => reviewed)).toBe(true)
    expect(folded.length).toBeGreaterThan(300)
    expect(bytes(folded)).toBeLessThanOrEqual(48 * 1024)
  })

  it('fits whatever a model writes', () => {
    const wild = '\u0000'.repeat(200_000)
    expect(bytes(findingEntry(head, wild, [], []))).toBeLessThan(MAX_ENTRY_BYTES)
    expect(bytes(messageEntry(head, 1, { content: wild }))).toBeLessThan(MAX_ENTRY_BYTES)
  })
})

describe('a claim of a model', () => {
  const claim = { severity: 'high', file: 'a.ts', line: 1, rule: 'r', quote: 'q', message: 'm', suggestion: null }

  it('is brought within its bounds', () => {
    expect(boundedClaim({ ...claim, line: -3.7, rule: '', message: 'm'.repeat(9_000) })).toMatchObject({
      line: 1,
      rule: 'unnamed',
      message: expect.stringMatching(/^m{3999}…$/),
    })
    expect(boundedClaim(claim)).not.toHaveProperty('suggestion')
  })

  it('is none without a place in the repository, or with a quote that would have to be cut', () => {
    expect(boundedClaim({ ...claim, file: '../etc/passwd' })).toBeUndefined()
    expect(boundedClaim({ ...claim, quote: 'q'.repeat(2_001) })).toBeUndefined()
    expect(boundedClaim({ ...claim, message: '' })).toBeUndefined()
  })
})
