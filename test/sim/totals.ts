import { type Figures, noFigures } from './figures.ts'
import type { RunResult } from './run.ts'
import type { SimTerms } from './terms.ts'

/** Many runs of the same terms, seed by seed. */
export interface Totals {
  readonly terms: Omit<SimTerms, 'seed'>
  runs: number
  /** In which more was billed than a limit allows. */
  over: number
  worstOver: number
  /** In which more was billed than a limit, and no more than an account in use twice may have besides. */
  byTwin: number
  worstByTwin: number
  /** In which anything at all went wrong, by kind. */
  readonly wrong: Map<string, number>
  /** Of the first run that went wrong. */
  firstWrong: { readonly seed: number; readonly words: string } | undefined
  readonly figures: Figures
  /** Processor time, milliseconds. */
  cpuMs: number
}

export function noTotals(terms: Omit<SimTerms, 'seed'>): Totals {
  return {
    terms,
    runs: 0,
    over: 0,
    worstOver: 0,
    byTwin: 0,
    worstByTwin: 0,
    wrong: new Map(),
    firstWrong: undefined,
    figures: noFigures(),
    cpuMs: 0,
  }
}

// Enough for percentiles; a run of thousands would fill the memory with them.
const MAX_WAITS = 1_000_000

export function add(
  totals: Totals,
  { seed, violations, worstOver, worstByTwin, figures }: RunResult,
  cpuMs: number,
): void {
  totals.runs += 1
  totals.cpuMs += cpuMs
  totals.worstOver = Math.max(totals.worstOver, worstOver)
  totals.worstByTwin = Math.max(totals.worstByTwin, worstByTwin)
  if (worstByTwin > 0) totals.byTwin += 1
  const kinds = new Set(violations.map(({ kind }) => kind))
  if (kinds.has('over')) totals.over += 1
  for (const kind of kinds) totals.wrong.set(kind, (totals.wrong.get(kind) ?? 0) + 1)
  const [first] = violations
  const isFirst = totals.firstWrong === undefined || seed < totals.firstWrong.seed
  if (first !== undefined && isFirst) totals.firstWrong = { seed, words: `${first.kind}: ${first.words}` }
  addFigures(totals.figures, figures)
}

function addFigures(sums: Figures, one: Figures): void {
  for (const key of ['asked', 'served', 'denied', 'deniedLeft', 'deniedReachable', 'messages'] as const)
    sums[key] += one[key]
  sums.stranded += one.stranded
  sums.days += one.days
  sums.overrun += one.overrun
  if (sums.waits.length < MAX_WAITS) sums.waits.push(...one.waits)
}

export interface Summary {
  readonly runs: number
  readonly over: number
  /** As a part of the limit. */
  readonly worst_over: number
  /** Runs, and the worst of them, in which an account in use twice spent its part again: the design does not promise that it cannot. */
  readonly over_by_twin: number
  readonly worst_over_by_twin: number
  readonly wrong: Readonly<Record<string, number>>
  readonly first_wrong_seed: number | null
  readonly denied: number
  readonly denied_left: number
  readonly denied_reachable: number
  readonly stranded: number
  /** Billed above the bounds of calls, which no rule can hold. */
  readonly overrun: number
  readonly messages_per_call: number
  /** Seconds. */
  readonly wait_median: number
  readonly wait_p99: number
  readonly cpu_ms_per_run: number
}

/** Parts of what was asked for, and of a day's limit. */
export function summaryOf(totals: Totals): Summary {
  const { runs, over, worstOver, wrong, firstWrong, figures, cpuMs } = totals
  const { asked, served, denied, deniedLeft, deniedReachable, messages, stranded, days } = figures
  const waits = Float64Array.from(figures.waits).sort()
  const at = (part: number): number => rounded(waits[Math.floor(waits.length * part)] ?? 0)
  return {
    ...{ runs, over, worst_over: rounded(worstOver), wrong: Object.fromEntries(wrong) },
    ...{ over_by_twin: totals.byTwin, worst_over_by_twin: rounded(totals.worstByTwin) },
    first_wrong_seed: firstWrong?.seed ?? null,
    denied: share(denied, asked),
    denied_left: share(deniedLeft, asked),
    denied_reachable: share(deniedReachable, asked),
    stranded: share(stranded, days),
    overrun: share(figures.overrun, days),
    messages_per_call: share(messages, served),
    ...{ wait_median: at(0.5), wait_p99: at(0.99), cpu_ms_per_run: Math.round(cpuMs / Math.max(1, runs)) },
  }
}

function share(part: number, whole: number): number {
  return rounded(whole === 0 ? 0 : part / whole)
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
