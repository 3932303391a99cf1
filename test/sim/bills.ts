import type { Label } from './oracle.ts'
import { CENT } from './people.ts'
import type { Order } from './plan.ts'
import type { World } from './world.ts'

/** What a call counts for: by true time, and by the clock of the node that made it. */
export function labelsOf({ plan, clockwork }: World, order: Order, clockMs: number): Label[] {
  const { day, month, agentDay, thread } = plan.limits
  const [trueDay, ownDay] = [dayOf(clockwork.nowMs), dayOf(clockMs)]
  return [
    { name: `utc ${trueDay}`, limit: day },
    { name: `utc ${trueDay.slice(0, 7)}`, limit: month },
    { name: `own ${ownDay}`, limit: day },
    { name: `own ${ownDay.slice(0, 7)}`, limit: month },
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

/** What is left of the narrowest limit that the mesh shares, as the provider sees it. */
export function leftNow({ plan, clockwork, oracle }: World): bigint {
  const day = dayOf(clockwork.nowMs)
  const ofDay = plan.limits.day - oracle.billed(`utc ${day}`)
  const ofMonth = plan.limits.month - oracle.billed(`utc ${day.slice(0, 7)}`)
  return ofDay < ofMonth ? ofDay : ofMonth
}
