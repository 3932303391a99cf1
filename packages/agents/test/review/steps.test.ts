import type { ChangedFile } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changedFileText } from '../../src/review/change-text.ts'
import { planSteps, type Step } from '../../src/review/steps.ts'
import { addedFile, changeOf } from '../fakes/model.ts'

const lines = (count: number, width = 20) => Array.from({ length: count }, (_, i) => `${i}`.padEnd(width, 'x'))
const size = ({ change, files }: Step) =>
  change.files.filter(({ path }) => files.includes(path)).reduce((sum, file) => sum + changedFileText(file).length, 0)
const within = (limit: number) => (step: Step) => size(step) <= limit

describe('a change for a model with a window', () => {
  it('goes in one call when it fits', () => {
    const change = changeOf(addedFile('a.ts', lines(3)), addedFile('b.ts', lines(3)))
    const plan = planSteps(change, () => true)
    expect(plan.steps).toEqual([{ change, files: ['a.ts', 'b.ts'] }])
    expect(plan.coverage).toEqual([
      { file: 'a.ts', reviewed: true },
      { file: 'b.ts', reviewed: true },
    ])
  })

  it('goes file by file when it does not', () => {
    const change = changeOf(addedFile('a.ts', lines(10)), addedFile('b.ts', lines(10)))
    const plan = planSteps(change, within(400))
    expect(plan.steps.map(({ files }) => files)).toEqual([['a.ts'], ['b.ts']])
    expect(plan.coverage.every(({ reviewed }) => reviewed)).toBe(true)
  })

  it('goes by parts of a file that is too large alone', () => {
    const change = changeOf(addedFile('a.ts', lines(100)))
    const plan = planSteps(change, within(700))
    expect(plan.steps.length).toBeGreaterThan(1)
    expect(plan.coverage).toEqual([{ file: 'a.ts', reviewed: true }])
    for (const step of plan.steps) expect(step.change.files[0]).not.toHaveProperty('text')
  })

  it('names what cannot be shown, with the reason', () => {
    const long = addedFile('min.js', ['short', 'y'.repeat(5_000)])
    const binary: ChangedFile = { path: 'logo.png', status: 'added', hunks: [], omitted: 'binary' }
    const moved: ChangedFile = { path: 'new.ts', oldPath: 'old.ts', status: 'renamed', hunks: [], text: 'same' }
    const plan = planSteps(changeOf(long, binary, moved), within(1_000))
    expect(plan.coverage).toEqual([
      {
        file: 'min.js',
        reviewed: false,
        reason: 'changed lines too long for the model: 1',
      },
      { file: 'logo.png', reviewed: false, reason: 'binary' },
      { file: 'new.ts', reviewed: true, reason: 'no changed lines' },
    ])
  })

  it('is named as unread, without trying line by line, when the window has no room at all', () => {
    let tried = 0
    const plan = planSteps(changeOf(addedFile('a.ts', lines(1_000))), () => {
      tried++
      return false
    })
    expect(tried).toBe(2)
    expect(plan).toMatchObject({
      steps: [],
      coverage: [{ file: 'a.ts', reviewed: false, reason: expect.stringContaining('no room') }],
    })
  })

  it('shows every changed line in exactly one call, whatever the window', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 60 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 300, max: 3_000 }),
        (counts, limit) => {
          const files = counts.map((count, i) => addedFile(`${i}.ts`, lines(count + 1)))
          const { steps, coverage } = planSteps(changeOf(...files), within(limit))
          const shown = steps.flatMap((step) => step.change.files.filter(({ path }) => step.files.includes(path)))
          const linesOf = (file: ChangedFile) =>
            file.hunks.flatMap((hunk) => hunk.lines.map(({ line }) => `${file.path}:${line}`))
          expect(shown.flatMap(linesOf).sort()).toEqual(files.flatMap(linesOf).sort())
          expect(coverage.every(({ reviewed }) => reviewed)).toBe(true)
          for (const step of steps) expect(size(step)).toBeLessThanOrEqual(limit)
        },
      ),
      { seed: 7 },
    )
  })
})

describe('a changed file in words', () => {
  it('numbers the lines of the new file and marks what is new and what is gone', () => {
    const text = Array.from({ length: 60 }, (_, i) => `line ${i + 1}`)
    text[29] = 'new'
    const file: ChangedFile = {
      path: 'a.ts',
      status: 'modified',
      hunks: [
        {
          lines: [
            { kind: 'deleted', line: 30, text: 'old' },
            { kind: 'added', line: 30, text: 'new' },
          ],
        },
      ],
      text: text.join('\n'),
    }
    const shown = changedFileText(file).split('\n')
    expect(shown[0]).toBe('file "a.ts" (modified)')
    expect(shown).toContain('       - old')
    expect(shown).toContain('    30 + new')
    expect(shown[1]).toBe('    10   line 10')
    expect(shown.at(-1)).toBe('    50   line 50')
  })

  it('shows each line once, though the surroundings of two hunks overlap', () => {
    const text = Array.from({ length: 100 }, (_, i) => `line ${i + 1}`)
    const hunkAt = (line: number) => ({ lines: [{ kind: 'added' as const, line, text: `line ${line}` }] })
    const far = changedFileText({
      path: 'a.ts',
      status: 'modified',
      hunks: [hunkAt(5), hunkAt(90)],
      text: text.join('\n'),
    })
    const near = changedFileText({
      path: 'a.ts',
      status: 'modified',
      hunks: [hunkAt(40), hunkAt(60)],
      text: text.join('\n'),
    })
    expect(far).toContain('⋮')
    expect(near).not.toContain('⋮')
    const numbers = near
      .split('\n')
      .slice(1)
      .map((line) => Number.parseInt(line, 10))
    expect(numbers).toEqual(Array.from({ length: 61 }, (_, i) => i + 20))
  })
})
