import type { World } from './world.ts'

/** The clock of one machine. */
export interface HouseClock {
  readonly aheadMs: number
  nowMs(): number
  set(aheadMs: number): void
  /** By more than clocks may differ. */
  readonly isWrong: boolean
  /** It was, when something that takes effect now may have been decided. */
  readonly wasWrong: boolean
  /** It has been right for so long that whoever looks at other clocks knows. */
  readonly isSettled: boolean
}

/** A call hesitates no longer than this between its hold and its request, the disk included. */
const LATELY_MS = 120_000

/**
 * A ledger that never opened a day goes by the date of the mesh's manifest alone, and takes a clock that is a year off for a mesh
 * that is a year old: it is given one that is farther off.
 */
export function believable(aheadMs: number, hasOpened: boolean): number {
  return hasOpened || Math.abs(aheadMs) < DAY_MS ? aheadMs : Math.sign(aheadMs) * FAR_DAYS * DAY_MS
}

const DAY_MS = 86_400_000
const FAR_DAYS = 1_500

export function createHouseClock(
  { clockwork, plan }: Pick<World, 'clockwork' | 'plan'>,
  atFirstMs: number,
): HouseClock {
  let aheadMs = atFirstMs
  let wrongMs = Number.NEGATIVE_INFINITY
  const isWrong = (): boolean => Math.abs(aheadMs) > plan.clockSkewMs
  const lately = (): boolean => isWrong() || clockwork.nowMs - wrongMs < LATELY_MS
  return {
    get aheadMs() {
      return aheadMs
    },
    nowMs: () => Math.floor(clockwork.nowMs + aheadMs),
    set(nextMs) {
      if (isWrong()) wrongMs = clockwork.nowMs
      aheadMs = nextMs
    },
    get isWrong() {
      return isWrong()
    },
    get wasWrong() {
      return lately()
    },
    get isSettled() {
      return !lately()
    },
  }
}
