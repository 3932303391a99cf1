import { type Dimension, dayPeriod, type Manifest, type Period } from '@bzzz/protocols'
import type { Books } from '../books/books.ts'
import { DAY_MS, isAhead, reachedPeriod, skipsDays, skipsPeriod } from '../periods/charged.ts'
import { isAlone } from '../periods/rights.ts'
import { agreedWords, aloneWords, clockWords, foundingWords, setBackWords } from './refusal-words.ts'
import type { Terms } from './terms.ts'

/** A month off, and the days around it: so far a machine that is its whole mesh goes on by its own clock. */
const ALONE_DAYS = 45
/** A ledger that never opened a day has only the manifest's date to go by. */
const FOUNDING_DAYS = 400

export interface ClockJump {
  readonly dimension: Dimension
  /** The last one opened; null before the first. */
  readonly period: Period | null
  readonly words: string
}

/**
 * A clock that seems to have jumped, and that no other has been seen to agree with. A period that it opened would be
 * charged until that time has really come.
 */
export function clockJump(
  { newest, clock: { nowMs }, agreedMs }: Pick<Terms, 'newest' | 'clock' | 'agreedMs'>,
  lastOpened: Books['lastOpened'],
): ClockJump | undefined {
  const { day } = lastOpened
  if (day === undefined) return firstJump(newest, nowMs, agreedMs)
  if (isAlone(newest)) {
    const jumps = skipsDays(nowMs, reachedPeriod('day', day, agreedMs), ALONE_DAYS)
    return jumps ? { dimension: 'day', period: day, words: aloneWords(nowMs, day, ALONE_DAYS) } : undefined
  }
  for (const dimension of ['day', 'month'] as const) {
    const period = lastOpened[dimension]
    if (period === undefined || !skipsPeriod(dimension, nowMs, reachedPeriod(dimension, period, agreedMs))) continue
    return { dimension, period, words: clockWords(nowMs, period) }
  }
  return undefined
}

/**
 * Why a clock cannot be gone by: it is set back behind what this ledger has opened, or behind a time at which another clock
 * agreed, or has jumped and no other agrees.
 */
export function clockDoubt(
  terms: Pick<Terms, 'newest' | 'clock' | 'agreedMs'>,
  lastOpened: Books['lastOpened'],
): string | undefined {
  const { nowMs, skewMs } = terms.clock
  const clock = { nowMs, skewMs: 3 * skewMs }
  const ahead = [lastOpened.day, lastOpened.month].find((period) => period !== undefined && isAhead(period, clock))
  if (ahead !== undefined) return setBackWords(nowMs, `it has opened ${ahead.slice(2)}`)
  const { agreedMs } = terms
  if (agreedMs !== undefined && nowMs < agreedMs - clock.skewMs) return setBackWords(nowMs, agreedWords(agreedMs))
  return clockJump(terms, lastOpened)?.words
}

function firstJump({ createdMs }: Manifest, nowMs: number, agreedMs: number | undefined): ClockJump | undefined {
  const agrees = agreedMs !== undefined && nowMs >= agreedMs - DAY_MS && !skipsPeriod('day', nowMs, dayPeriod(agreedMs))
  if (agrees || Math.abs(nowMs - createdMs) <= FOUNDING_DAYS * DAY_MS) return undefined
  return { dimension: 'day', period: null, words: foundingWords(nowMs, createdMs, FOUNDING_DAYS) }
}
