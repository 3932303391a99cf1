import { LABELS } from './mesh-to-kill.ts'
import { POINTS, type Point } from './point-names.ts'
import { type Random, seededRandom, shuffled } from './random.ts'

/** Who dies where in one round. */
export interface Choice {
  readonly round: number
  readonly victim: string
  /** Where the review is opened. */
  readonly opener: string
  readonly point: Point
  /** At which pass by the point. */
  readonly nth: number
}

/** A seat of a review makes three calls, four if it proposes; what is written and published besides are messages and news. */
const MOST_PASSES: Readonly<Record<string, number>> = { append: 10, publish: 10, write: 40 }
const MOST_CALLS = 3

/** The same for the same seed; each point once in as many rounds as there are points, in another order each time. */
export function choices(seed: number, rounds: number): Choice[] {
  const random = seededRandom(seed)
  const points = Array.from({ length: Math.ceil(rounds / POINTS.length) }, () => shuffled(POINTS, random)).flat()
  return points.slice(0, rounds).map((point, round) => ({
    round,
    victim: oneOf(LABELS, random),
    opener: oneOf(LABELS, random),
    point,
    nth: 1 + random(MOST_PASSES[point.split(':')[0] ?? ''] ?? MOST_CALLS),
  }))
}

function oneOf(items: readonly string[], random: Random): string {
  return items[random(items.length)] ?? ''
}
