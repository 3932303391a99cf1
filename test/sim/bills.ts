import {
  agentDayPeriod,
  dayPeriod,
  monthPeriod,
  newThreadId,
  type Period,
  parsePeriod,
  type ThreadId,
  threadPeriod,
} from '@bzzz/protocols'
import type { Label } from './oracle.ts'
import { CENT } from './people.ts'
import type { Order } from './plan.ts'
import type { World } from './world.ts'

/** What a call counts for: by true time, and by the clock of the node that made it. */
export function labelsOf({ plan, limits, doubles, clockwork }: World, order: Order, clockMs: number): Label[] {
  const { agentDay, thread } = plan.limits
  const ownDay = dayOf(clockMs)
  const [trueTime, ownTime] = [calendarOf(clockwork.nowMs), calendarOf(clockMs)]
  return [
    ...trueTime.map((period) => ({ name: `utc ${period}`, limit: limits.of(period), extra: doubles.extra(period) })),
    ...ownTime.map((period) => ({ name: `own ${period}`, limit: limits.of(period), extra: doubles.extra(period) })),
    {
      name: `own ${order.agent}@${order.node} ${ownDay}`,
      limit: agentDay,
      extra: doubles.extra(agentDayPeriod(order.agent, clockMs)),
    },
    ...(order.capped ? [{ name: 'thread', limit: thread, extra: doubles.extra(threadPeriod(threadIn(plan))) }] : []),
  ]
}

/** The same for a call of a node whose clock was wrong: what it was charged to, which is no day that has not come. */
export function chargedLabels(
  { plan, limits, clockwork, oracle }: World,
  order: Order,
  charged: readonly Period[],
): Label[] {
  const { agentDay, thread } = plan.limits
  const [first, last] = [plan.startMs, clockwork.nowMs].map((ms, at) => calendarOf(ms + (at === 0 ? -DAY_MS : DAY_MS)))
  return charged.map((period) => {
    const kind = parsePeriod(period)?.kind
    if (kind === 'thread') return { name: 'thread', limit: thread }
    if (kind === 'agent-day') return { name: `own ${order.agent}@${order.node} ${period.slice(-10)}`, limit: agentDay }
    const at = kind === 'day' ? 0 : 1
    const isNear = period >= (first?.[at] ?? '') && period <= (last?.[at] ?? '')
    if (!isNear) oracle.note('clock', `node ${order.node} charged ${period}`)
    return { name: `own ${period}`, limit: limits.of(period) }
  })
}

/** The one with a cap of its own. */
export function threadIn({ startMs }: Pick<World['plan'], 'startMs'>): ThreadId {
  return newThreadId(startMs, new Uint8Array(10))
}

const DAY_MS = 86_400_000

export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** What the provider bills, up to the bound that was held, and above it. */
export function billedAmount({ actualCents, maxCents }: Order): { readonly amount: bigint; readonly overrun: bigint } {
  const within = Math.min(actualCents, maxCents)
  return { amount: BigInt(within) * CENT, overrun: BigInt(actualCents - within) * CENT }
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
