import { createRandom, type Random } from './random.ts'

/**
 * What a run is mostly about. rough: cuts, stops, lost disks. restarts: nothing but short stops, so that the limits are used up
 * to the last cent and a small leak shows. midnight: most calls come and wait around the end of a day.
 * changes: limits, members and ledgers change while some nodes hear nothing of it. clocks: some are days to years off for a while.
 * twins: a machine is copied, and both go on. put-back: one is put back to
 * what it was hours before, with the mark that would tell. overruns: providers bill more than a call could cost.
 */
export type Weather = 'fair' | Usual | Rare
type Usual = 'rough' | 'restarts' | 'midnight' | 'changes'
type Rare = 'clocks' | 'twins' | 'put-back' | 'overruns'

export const WEATHERS: readonly Weather[] = [
  ...(['fair', 'rough', 'restarts', 'midnight', 'changes', 'clocks', 'twins', 'put-back', 'overruns'] as const),
]

const RARE: readonly Rare[] = ['clocks', 'twins', 'put-back', 'overruns']
const RARE_PART = 0.3

/** What would be drawn, or in some runs something rare: which runs these are moves nothing in the others. */
export function weatherOf(seed: number, usual: Usual): Weather {
  const own = createRandom(seed ^ 0x2545f491)
  return own.chance(RARE_PART) ? own.pick(RARE) : usual
}

export interface Span {
  readonly startMs: number
  readonly endMs: number
  readonly nodes: number
  readonly weather: Weather
}

export const DAY_MS = 86_400_000
export const HOUR_MS = 3_600_000
/** By how much the clocks of a simulated mesh may differ. */
export const SKEW_MS = 600_000

/** By how much more is wanted than the terms say. */
export const HASTE: Readonly<Record<Weather, number>> = {
  ...{ fair: 1, rough: 1, restarts: 1.5, midnight: 1.8, changes: 2 },
  ...{ clocks: 1.5, twins: 1.6, 'put-back': 1.6, overruns: 1.5 },
}

/** Part of the calls that come around midnight. */
const RUSH: Readonly<Record<Weather, number>> = {
  ...{ fair: 0, rough: 0.25, restarts: 0.25, midnight: 0.6, changes: 0.2 },
  ...{ clocks: 0.2, twins: 0.1, 'put-back': 0.1, overruns: 0.1 },
}

/** When something happens that happens with calls. */
export function timeOf({ startMs, endMs, weather }: Span, random: Random): number {
  if (!random.chance(RUSH[weather])) return startMs + random.next() * (endMs - startMs - HOUR_MS)
  const midnightMs = startMs + random.below(2) * DAY_MS
  return Math.max(startMs, midnightMs + random.between(-3, 3) * SKEW_MS)
}

/** Around the true time. */
export function clockIn(random: Random): number {
  return random.between(-0.9, 0.9) * SKEW_MS
}

export function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}
