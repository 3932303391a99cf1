import { COINS } from './people.ts'
import type { Order } from './plan.ts'
import type { Random } from './random.ts'
import { DAY_MS, HOUR_MS, type Span, timeOf } from './weather.ts'

/** Few nodes want most. */
export function ordersIn(span: Span, count: number, random: Random): Order[] {
  const weights = shuffled(
    Array.from({ length: span.nodes }, (_, rank) => 1 / (rank + 1)),
    random,
  )
  const orders = Array.from({ length: count }, () => orderAt(timeOf(span, random), weighted(weights, random), random))
  const twins = span.weather === 'twins' ? count / span.nodes : 0
  // Of a copy that there may be.
  for (let more = 0; more < twins; more += 1) orders.push(orderAt(timeOf(span, random), span.nodes, random))
  const ascending = orders.toSorted((one, other) => one.atMs - other.atMs)
  return ascending.map((order, number) => {
    const numbered = { ...order, number }
    return { ...numbered, ...customOf(span, numbered, random) }
  })
}

/**
 * In fair weather every call is answered, and no process hesitates. Around midnight callers wait long, and many calls of the
 * first day take so long that what they give back comes when it is over.
 */
function customOf({ weather, endMs }: Span, order: Order, random: Random): Partial<Order> {
  if (weather === 'fair') return { ending: 'answered', stallMs: null }
  if (weather === 'overruns') return overrunning(order, random)
  if (weather !== 'midnight') return {}
  const isLong = order.atMs < endMs - DAY_MS && random.chance(0.9)
  return { patienceMs: 4 * HOUR_MS, ...(isLong ? { durationMs: random.exponential(1.5 * HOUR_MS) } : {}) }
}

/** A provider that now and then bills more than a call could cost; a model that did is done with at that node. */
function overrunning({ maxCents }: Order, random: Random): Partial<Order> {
  const model = random.pick(COINS)
  return random.chance(0.05)
    ? { model, actualCents: Math.ceil(maxCents * random.between(1.01, 3)), ending: 'answered' }
    : { model }
}

function orderAt(atMs: number, node: number, random: Random): Omit<Order, 'number'> {
  const maxCents = 20 + random.below(161)
  const stalls = random.chance(0.3)
  const longStall = random.chance(0.15)
  return {
    ...{ atMs, node, maxCents, agent: random.chance(0.5) ? 'architect' : 'critic', capped: random.chance(0.08) },
    model: 'coin',
    actualCents: Math.max(1, Math.round(maxCents * random.between(0.2, 1))),
    durationMs: 1_000 + random.exponential(20_000) + (random.chance(0.03) ? random.exponential(600_000) : 0),
    stallMs: stalls ? (longStall ? random.exponential(60_000) : random.exponential(100)) : null,
    patienceMs: 300_000,
    ending: random.chance(0.94) ? 'answered' : random.pick(['unclear', 'lost', 'late'] as const),
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const keyed = items.map((item) => ({ item, key: random.next() }))
  return keyed.toSorted((one, other) => one.key - other.key).map(({ item }) => item)
}

function weighted(weights: readonly number[], random: Random): number {
  let left = random.next() * weights.reduce((sum, weight) => sum + weight, 0)
  const found = weights.findIndex((weight) => {
    left -= weight
    return left <= 0
  })
  return Math.max(0, found)
}
