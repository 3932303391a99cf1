import { type Dimension, dayPeriod, monthPeriod, type Period, parsePeriod } from '@bzzz/protocols'

export const DAY_MS = 86_400_000
const labelOf: Record<Dimension, (wallMs: number) => Period> = { day: dayPeriod, month: monthPeriod }

/** Whether the mesh shares it: an agent's day never leaves its node. */
export function isShared(period: Period): boolean {
  return parsePeriod(period)?.kind !== 'agent-day'
}

export interface Clock {
  /** This node's clock, milliseconds. */
  readonly nowMs: number
  /** By how much the clocks of the mesh may differ. */
  readonly skewMs: number
}

/**
 * The days (or months) that a call of this moment is charged to; the first is the one it is listed under. Near an edge
 * both sides are charged, since another node's clock may already be there. A clock older than the last opened period
 * was set back: the last opened one is charged, and no earlier one is taken up again.
 */
export function chargedPeriods(
  dimension: Dimension,
  { nowMs, skewMs }: Clock,
  lastOpened: Period | undefined,
): Period[] {
  const label = labelOf[dimension]
  const around = [label(nowMs), label(nowMs - skewMs), label(nowMs + skewMs)]
  const days = [...new Set(around)]
  if (lastOpened === undefined || around.some((period) => period >= lastOpened)) return days
  // A clock that was set back by no more than clocks may differ: it may still be the day before, so both are charged.
  return label(nowMs + 3 * skewMs) >= lastOpened ? [...days, lastOpened] : [lastOpened]
}

/** Whether no clock of the mesh can have reached a day or month: it was opened by one that was wrong. */
export function isAhead(period: Period, { nowMs, skewMs }: Clock): boolean {
  const kind = parsePeriod(period)?.kind
  return (kind === 'day' || kind === 'month') && period > labelOf[kind](nowMs + skewMs)
}

/** Whether the clock has jumped over a whole period since the last one that is known to have been reached. */
export function skipsPeriod(dimension: Dimension, nowMs: number, reached: Period | undefined): boolean {
  if (reached === undefined) return false
  const label = labelOf[dimension](nowMs)
  return label > reached && label > labelOf[dimension](endOf(reached))
}

/** Whether the clock is more than so many days ahead of the last one that is known to have been reached. */
export function skipsDays(nowMs: number, reached: Period | undefined, days: number): boolean {
  return reached !== undefined && nowMs >= endOf(reached) + days * DAY_MS
}

/** The later of the last opened period and the one in which another clock was last seen to agree. */
export function reachedPeriod(
  dimension: Dimension,
  lastOpened: Period | undefined,
  agreedMs: number | undefined,
): Period | undefined {
  // A ledger that never opened a period has nothing to compare with: it opens freely.
  if (lastOpened === undefined || agreedMs === undefined) return lastOpened
  const agreed = labelOf[dimension](agreedMs)
  return agreed > lastOpened ? agreed : lastOpened
}

/** The day or month of a moment. */
export function periodAt(dimension: Dimension, wallMs: number): Period {
  return labelOf[dimension](wallMs)
}

/** The day after a day, the month after a month. @throws {RangeError} for other periods */
export function periodAfter(period: Period): Period {
  return labelOf[parsePeriod(period)?.kind === 'month' ? 'month' : 'day'](endOf(period))
}

/** First millisecond after a day or month. @throws {RangeError} for other periods */
export function endOf(period: Period): number {
  const parsed = parsePeriod(period)
  if (parsed === undefined || parsed.kind === 'thread') throw new RangeError(`${period} has no end`)
  const [year = 0, month = 0, day] = parsed.label.split('-').map(Number)
  return day === undefined ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, day + 1)
}

/** Days and months of which a settlement may still come in soon: those of now and of a day ago. */
export function recentPeriods(clock: Clock): ReadonlySet<Period> {
  const times = [
    clock.nowMs - DAY_MS - clock.skewMs,
    clock.nowMs - clock.skewMs,
    clock.nowMs,
    clock.nowMs + clock.skewMs,
  ]
  return new Set(times.flatMap((time) => [dayPeriod(time), monthPeriod(time)]))
}
