import { describe, expect, it } from 'vitest'
import { optionsOf } from './options.ts'
import { type RunResult, simulate } from './run.ts'
import type { SimTerms } from './terms.ts'
import { add, noTotals, summaryOf } from './totals.ts'

/** The long form is `npm run sim`; what is here takes seconds. */
const TERMS: Omit<SimTerms, 'seed'> = {
  nodes: 3,
  policy: 'escrow',
  mutant: null,
  demand: 1.2,
  faults: 'full',
  weather: null,
}

async function simulated(more: Partial<SimTerms>, seeds: readonly number[]): Promise<RunResult[]> {
  const results: RunResult[] = []
  for (const seed of seeds) results.push(await simulate({ ...TERMS, ...more, seed }))
  return results
}

describe('two days of a mesh in virtual time', () => {
  it('are billed within every limit, whatever happens', async () => {
    const results = await simulated({}, seedsFrom(1, 8))
    expect(results.flatMap(({ seed, violations }) => violations.map((one) => ({ seed, ...one })))).toEqual([])
  })

  it('are billed above the limit where a replicated total is checked', async () => {
    const results = await simulated({ policy: 'naive' }, seedsFrom(1, 10))
    expect(results.filter(({ worstOver }) => worstOver > 0).length).toBeGreaterThan(5)
  })

  it('deny nothing that is in reach, and leave next to nothing, without faults', async () => {
    const totals = noTotals({ ...TERMS, faults: 'none', demand: 0.8 })
    for (const result of await simulated({ faults: 'none', demand: 0.8 }, seedsFrom(1, 2))) add(totals, result, 0)
    const { denied_reachable, stranded, wait_median, messages_per_call } = summaryOf(totals)
    expect(denied_reachable).toBeLessThanOrEqual(0.005)
    expect(stranded).toBeLessThanOrEqual(0.015)
    expect(wait_median).toBeLessThan(0.1)
    expect(messages_per_call).toBeLessThanOrEqual(4)
  })

  it('go the same way again, event by event', async () => {
    const [one, other] = [await traceOf(3), await traceOf(3)]
    expect(one.length).toBeGreaterThan(50)
    expect(other).toEqual(one)
  })
})

describe('a broken rule', () => {
  it.each([
    ['creditTwice', 'assertion', [1]],
    ['earlySlot', 'told-too-early', [1]],
    ['earlySend', 'told-too-early', [1]],
  ] as const)('is noticed: %s, as %s', async (mutant, kind, seeds) => {
    const results = await simulated({ mutant }, seeds)
    expect(results.flatMap(({ violations }) => violations.map((one) => one.kind))).toContain(kind)
  })
})

describe('the command', () => {
  it('refuses what makes no sense, and names what it knows', () => {
    expect(() => optionsOf(['--runs', '0'], 2)).toThrow('a whole number, from 1')
    expect(() => optionsOf(['--mutant', 'none'], 2)).toThrow('known are reinit')
    expect(() => optionsOf(['--demand', 'much'], 2)).toThrow('a number above 0')
    expect(() => optionsOf(['--turbo'], 2)).toThrow(TypeError)
  })

  it('runs both policies unless one is named, with every mutant when all are asked for', () => {
    expect(optionsOf([], 2)).toMatchObject({ policies: ['naive', 'escrow'], demand: 1.2, workers: 2 })
    expect(optionsOf(['--faults', 'none', '--policy', 'naive'], 2)).toMatchObject({ policies: ['naive'], demand: 0.8 })
    const all = optionsOf(['--mutant', 'all'], 2)
    expect(all === 'help' ? [] : all.mutants).toHaveLength(18)
  })
})

function seedsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}

async function traceOf(seed: number): Promise<string[]> {
  const lines: string[] = []
  await simulate({ ...TERMS, seed }, (line) => void lines.push(line))
  return lines
}
