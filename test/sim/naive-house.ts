import { billedAmount, dayOf, labelsOf, leftNow } from './bills.ts'
import { CENT } from './people.ts'
import type { Order } from './plan.ts'
import type { House, World } from './world.ts'

/** What most gateways do: look at the total that is replicated, call, and add the cost to it once it is known. */
export interface NaiveHouse extends House {
  /** Own costs by day and month, as others hear of them. */
  readonly spent: ReadonlyMap<string, bigint>
}

export interface NaiveTerms {
  readonly world: World
  readonly index: number
  readonly houses: readonly NaiveHouse[]
}

/** Totals travel every so often. */
const REPLICATION_MS = 4_000

export function createNaiveHouse({ world, index, houses }: NaiveTerms): NaiveHouse {
  const { clockwork, network, plan, oracle, figures } = world
  let clockMs = plan.clocks[index] ?? 0
  const spent = new Map<string, bigint>()
  const known = new Map<number, ReadonlyMap<string, bigint>>()
  let heardMs = Number.NEGATIVE_INFINITY
  let isUp = true
  let starts = 0

  function total(label: string): bigint {
    if (clockwork.nowMs - heardMs >= REPLICATION_MS) {
      heardMs = clockwork.nowMs
      for (const [from, house] of houses.entries()) {
        if (from !== index && house.isUp && network.reaches(from, index)) known.set(from, new Map(house.spent))
      }
    }
    return [...known.values(), spent].reduce((sum, one) => sum + (one.get(label) ?? 0n), 0n)
  }

  function place(order: Order): void {
    if (!isUp) return
    figures.asked += 1
    const day = dayOf(clockwork.nowMs + clockMs)
    const month = day.slice(0, 7)
    const needed = BigInt(order.maxCents) * CENT
    const agent = `${order.agent} ${day}`
    const isDenied =
      total(day) + needed > plan.limits.day ||
      total(month) + needed > plan.limits.month ||
      (spent.get(agent) ?? 0n) + needed > plan.limits.agentDay ||
      (order.capped && total('thread') + needed > plan.limits.thread)
    if (isDenied) {
      figures.denied += 1
      if (leftNow(world) >= needed) figures.deniedLeft += 1
      return
    }
    figures.served += 1
    figures.waits.push(0)
    const { amount, overrun } = billedAmount(order)
    oracle.bill({ call: `${order.number}`, amount, overrun, labels: labelsOf(world, order, clockwork.nowMs + clockMs) })
    const start = starts
    clockwork.after(order.durationMs, () => {
      if (start !== starts) return
      for (const label of [day, month, agent, ...(order.capped ? ['thread'] : [])]) {
        spent.set(label, (spent.get(label) ?? 0n) + amount)
      }
    })
  }

  return {
    spent,
    get isUp() {
      return isUp
    },
    place,
    stop(how) {
      starts += 1
      isUp = false
      clockMs = how.clockMs
      clockwork.after(how.downMs, () => {
        isUp = true
      })
      // It is charitable: totals are kept in a database that never loses anything.
    },
    start: () => undefined,
    fillDisk: () => undefined,
    backUp: () => undefined,
    setClock(aheadMs) {
      clockMs = aheadMs
    },
    greet: () => undefined,
    verify: async () => undefined,
  }
}
