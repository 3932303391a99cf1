import { dayPeriod, monthPeriod, type Period } from '@bzzz/protocols'
import type { Label } from './oracle.ts'
import { CENT } from './people.ts'
import type { Order } from './plan.ts'
import type { World } from './world.ts'

/** What a call counts for: by true time, and by the clock of the node that made it. */
export function labelsOf({ plan, limits, clockwork }: World, order: Order, clockMs: number): Label[] {
  const { agentDay, thread } = plan.limits
  const ownDay = dayOf(clockMs)
  const [trueTime, ownTime] = [calendarOf(clockwork.nowMs), calendarOf(clockMs)]
  return [
    ...trueTime.map((period) => ({ name: `utc ${period}`, limit: limits.of(period) })),
    ...ownTime.map((period) => ({ name: `own ${period}`, limit: limits.of(period) })),
    { name: `own ${order.agent}@${order.node} ${ownDay}`, limit: agentDay },
    ...(order.capped ? [{ name: 'thread', limit: thread }] : []),
  ]
}

export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

export function billedAmount({ actualCents }: Order): bigint {
  return BigInt(actualCents) * CENT
}

/** The day and the month of a moment. */
function calendarOf(ms: number): Period[] {
  return [dayPeriod(ms), monthPeriod(ms)]
}

/** What is left of the narrower limit of now, as the provider sees it. */
export function leftNow({ limits, clockwork, oracle }: World): bigint {
  const lefts = calendarOf(clockwork.nowMs).map((period) => limits.of(period) - oracle.billed(`utc ${period}`))
  return lefts.reduce((least, left) => (left < least ? left : least))
}
