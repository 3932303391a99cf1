import { CENT } from './people.ts'
import type { Random } from './random.ts'
import type { SimTerms } from './terms.ts'

/** By how much more is wanted than the terms say. */
const HASTE: Readonly<Record<Weather, number>> = { fair: 1, rough: 1, restarts: 1.5, midnight: 1.8 }

/** All that will happen from outside: drawn before the run, so that a mutant meets the very faults of the shipped rules. */
export interface Plan {
  readonly startMs: number
  readonly endMs: number
  readonly clockSkewMs: number
  readonly limits: { readonly day: bigint; readonly month: bigint; readonly agentDay: bigint; readonly thread: bigint }
  /** By how much each node's clock is ahead at first, milliseconds. */
  readonly clocks: readonly number[]
  readonly orders: readonly Order[]
  readonly faults: readonly Fault[]
}

/** A call that somebody wants made. */
export interface Order {
  readonly number: number
  readonly atMs: number
  readonly node: number
  readonly agent: string
  /** In the thread with a cap of its own. */
  readonly capped: boolean
  readonly maxCents: number
  readonly actualCents: number
  readonly durationMs: number
  /** How long the process hesitates between holding and sending; null: both in one write. */
  readonly stallMs: number | null
  /** lost: no answer ever comes. late: it comes hours after it was given up. unclear: it comes without usage. */
  readonly ending: 'answered' | 'unclear' | 'lost' | 'late'
  /** How long the caller waits for rights. */
  readonly patienceMs: number
}

/**
 * What a run is mostly about. rough: cuts, stops, lost disks. restarts: nothing but short stops, so that the limits are used up
 * to the last cent and a small leak shows. midnight: most calls come and wait around the end of a day.
 */
type Weather = 'fair' | 'rough' | 'restarts' | 'midnight'

/** What is left of a disk after the process stopped. */
export type Fate = 'kept' | 'lost' | 'rolled-back'

export type Fault =
  | { readonly kind: 'cut'; readonly atMs: number; readonly untilMs: number; readonly pairs: ReadonlySet<string> }
  | {
      readonly kind: 'stop'
      readonly atMs: number
      readonly untilMs: number
      readonly node: number
      readonly fate: Fate
      /** In the middle of the next write, instead of at once. */
      readonly amidWrite: boolean
      /** Whether the write in hand still reaches the disk. */
      readonly landed: boolean
      /** The clock at the next start. */
      readonly clockMs: number
    }
  | { readonly kind: 'full-disk' | 'backup'; readonly atMs: number; readonly node: number }

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const SKEW_MS = 600_000
/** Mean of a call's hold, and of its cost, in cents; see {@link orderAt}. */
const MEAN_COST = 60

export function planOf({ seed, nodes, demand, faults }: SimTerms, random: Random): Plan {
  const weather: Weather = faults === 'none' ? 'fair' : random.pick(['rough', 'rough', 'restarts', 'midnight'] as const)
  // Half of the runs cross the end of a month.
  const startMs = Date.parse(seed % 2 === 0 ? '2026-11-30T00:00:00Z' : '2026-11-24T00:00:00Z')
  const perDay = nodes <= 5 ? 150 : nodes <= 20 ? 300 : 1_000
  const wanted = demand * HASTE[weather]
  const day = (BigInt(perDay * MEAN_COST) * CENT * 1_000n) / BigInt(Math.round(wanted * 1_000))
  const span = { startMs, endMs: startMs + 2 * DAY_MS, nodes, weather }
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
  }
}

interface Span {
  readonly startMs: number
  readonly endMs: number
  readonly nodes: number
  readonly weather: Weather
}

/** Few nodes want most. */
function ordersIn(span: Span, count: number, random: Random): Order[] {
  const weights = shuffled(
    Array.from({ length: span.nodes }, (_, rank) => 1 / (rank + 1)),
    random,
  )
  const orders = Array.from({ length: count }, () => orderAt(timeOf(span, random), weighted(weights, random), random))
  const ascending = orders.toSorted((one, other) => one.atMs - other.atMs)
  return ascending.map((order, number) => {
    const numbered = { ...order, number }
    return { ...numbered, ...customOf(span, numbered, random) }
  })
}

/** Part of the calls that come around midnight. */
const RUSH: Readonly<Record<Weather, number>> = { fair: 0, rough: 0.25, restarts: 0.25, midnight: 0.6 }

function timeOf({ startMs, endMs, weather }: Span, random: Random): number {
  if (!random.chance(RUSH[weather])) return startMs + random.next() * (endMs - startMs - HOUR_MS)
  const midnightMs = startMs + random.below(2) * DAY_MS
  return Math.max(startMs, midnightMs + random.between(-3, 3) * SKEW_MS)
}

/**
 * In fair weather every call is answered, and no process hesitates. Around midnight callers wait long, and many calls of the
 * first day take so long that what they give back comes when it is over.
 */
function customOf({ weather, endMs }: Span, order: Order, random: Random): Partial<Order> {
  if (weather === 'fair') return { ending: 'answered', stallMs: null }
  if (weather !== 'midnight') return {}
  const isLong = order.atMs < endMs - DAY_MS && random.chance(0.5)
  return { patienceMs: 2 * HOUR_MS, ...(isLong ? { durationMs: random.exponential(1.5 * HOUR_MS) } : {}) }
}

function orderAt(atMs: number, node: number, random: Random): Omit<Order, 'number'> {
  const maxCents = 20 + random.below(161)
  const stalls = random.chance(0.3)
  const longStall = random.chance(0.15)
  return {
    ...{ atMs, node, maxCents, agent: random.chance(0.5) ? 'architect' : 'critic', capped: random.chance(0.08) },
    actualCents: Math.max(1, Math.round(maxCents * random.between(0.2, 1))),
    durationMs: 1_000 + random.exponential(20_000) + (random.chance(0.03) ? random.exponential(600_000) : 0),
    stallMs: stalls ? (longStall ? random.exponential(60_000) : random.exponential(100)) : null,
    patienceMs: 300_000,
    ending: random.chance(0.94) ? 'answered' : random.pick(['unclear', 'lost', 'late'] as const),
  }
}

function faultsIn(span: Span, random: Random): Fault[] {
  const { nodes, weather } = span
  const at = (): number => span.startMs + random.next() * 2 * DAY_MS
  const atAll = (): number => (random.chance(0.3) ? timeOf(span, random) : at())
  const some = 3 + Math.floor(nodes / 10)
  switch (weather) {
    case 'fair':
      return []
    case 'rough':
      return [
        ...times(3, () => cutAt(at(), nodes, random)),
        ...times(some, () => stopAt(atAll(), nodes, random)),
        ...times(2 * nodes, (): Fault => ({ kind: 'backup', atMs: at(), node: random.below(nodes) })),
        ...times(random.below(2), (): Fault => ({ kind: 'full-disk', atMs: at(), node: random.below(nodes) })),
      ]
    case 'restarts':
      return times(6 * some, () => shortStopAt(atAll(), nodes, random))
    case 'midnight':
      return times(random.below(3), () => shortStopAt(atAll(), nodes, random))
  }
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}

function shortStopAt(atMs: number, nodes: number, random: Random): Fault {
  const untilMs = atMs + random.exponential(30_000)
  const how = { fate: 'kept', amidWrite: true, landed: random.chance(0.3), clockMs: clockIn(random) } as const
  return { kind: 'stop', atMs, untilMs, node: random.below(nodes), ...how }
}

function stopAt(atMs: number, nodes: number, random: Random): Fault {
  const draw = random.next()
  const fate = draw < 0.3 ? 'lost' : draw < 0.45 ? 'rolled-back' : 'kept'
  const downMs = random.chance(0.3) ? random.exponential(60_000) : random.exponential(0.15 * DAY_MS)
  const amidWrite = random.chance(0.6)
  const untilMs = atMs + downMs
  return {
    ...{ kind: 'stop', atMs, untilMs, node: random.below(nodes), fate, amidWrite },
    ...{ landed: random.chance(0.5), clockMs: clockIn(random) },
  }
}

function clockIn(random: Random): number {
  return random.between(-0.9, 0.9) * SKEW_MS
}

function cutAt(atMs: number, nodes: number, random: Random): Fault {
  const untilMs = atMs + random.exponential(DAY_MS / 4)
  const pairs = new Set<string>()
  const shape = random.below(3)
  const group = Array.from({ length: nodes }, () => random.below(2))
  const alone = random.below(nodes)
  for (let from = 0; from < nodes; from += 1) {
    for (let to = 0; to < nodes; to += 1) {
      const isCut =
        shape === 0 ? group[from] !== group[to] : shape === 1 ? from === alone || to === alone : random.chance(0.3)
      if (isCut && from !== to) pairs.add(pairOf(from, to))
    }
  }
  return { kind: 'cut', atMs, untilMs, pairs }
}

export function pairOf(from: number, to: number): string {
  return `${from}>${to}`
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
