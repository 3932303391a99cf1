import { faultsIn } from './draw-faults.ts'
import { ordersIn } from './draw-orders.ts'
import { CENT } from './people.ts'
import type { Change, Plan } from './plan.ts'
import type { Random } from './random.ts'
import type { SimTerms } from './terms.ts'
import { clockIn, DAY_MS, HASTE, SKEW_MS, type Span, times, type Weather, weatherOf } from './weather.ts'

/** Mean of a call's hold, and of its cost, in cents. */
const MEAN_COST = 60

/** @param fixed what the run is about, instead of what is drawn */
export function planOf({ seed, nodes, demand, faults }: SimTerms, random: Random, fixed?: Weather): Plan {
  const usual =
    faults === 'none' ? undefined : random.pick(['rough', 'rough', 'restarts', 'midnight', 'changes'] as const)
  const weather = fixed ?? (usual === undefined ? 'fair' : weatherOf(seed, usual))
  // Half of the runs cross the end of a month.
  const startMs = Date.parse(seed % 2 === 0 ? '2026-11-30T00:00:00Z' : '2026-11-24T00:00:00Z')
  const perDay = nodes <= 5 ? 150 : nodes <= 20 ? 300 : 1_000
  const wanted = demand * HASTE[weather]
  const day = (BigInt(perDay * MEAN_COST) * CENT * 1_000n) / BigInt(Math.round(wanted * 1_000))
  const span = { startMs, endMs: startMs + 2 * DAY_MS, nodes, weather }
  const joins = weather === 'changes' && nodes > 2 && random.chance(0.6)
  return {
    ...{ startMs, endMs: span.endMs, clockSkewMs: SKEW_MS },
    orders: ordersIn(span, 2 * perDay, random.fork()),
    clocks: Array.from({ length: nodes }, () => (faults === 'none' ? 0 : clockIn(random))),
    limits: {
      day,
      month: seed % 2 === 0 ? (day * 97n) / 100n : (day * 19n) / 10n,
      agentDay: (day * 45n) / 100n,
      thread: day / 20n,
    },
    faults: faultsIn(span, random.fork()),
    changes: weather === 'changes' ? changesIn(span, joins, random.fork()) : [],
    joins,
    tellsOften: weather === 'twins' || weather === 'put-back',
  }
}

/** Most in the first day, so that the second shows what came of it. */
function changesIn({ startMs, nodes }: Span, joins: boolean, random: Random): Change[] {
  const at = (): number => startMs + random.between(0.1, random.chance(0.8) ? 0.95 : 1.8) * DAY_MS
  const limit = (): Change => {
    const thousandths = random.pick([400, 700, 1_000, 1_300, 1_600])
    return { kind: 'limit', atMs: at(), dim: random.chance(0.7) ? 'day' : 'month', thousandths }
  }
  const raisedTwice = [1_300, random.pick([700, 1_000]), random.pick([1_300, 1_600])].map(
    (thousandths, index): Change => {
      return {
        kind: 'limit',
        atMs: startMs + (0.1 + 0.2 * index + random.next() / 5) * DAY_MS,
        dim: 'day',
        thousandths,
      }
    },
  )
  return [
    ...(random.chance(0.4) ? raisedTwice : times(random.below(5), limit)),
    ...times(joins ? 1 : 0, (): Change => ({ kind: 'join', atMs: at() })),
    ...times(
      random.chance(0.3) ? 1 : 0,
      (): Change => ({ kind: 'remove', atMs: at(), node: 1 + random.below(nodes - 1) }),
    ),
  ]
}
