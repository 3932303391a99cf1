import { CENT } from './people.ts'
import type { Random } from './random.ts'
import type { SimTerms } from './terms.ts'

/** By how much more is wanted than the terms say. */
const HASTE: Readonly<Record<Weather, number>> = { fair: 1, rough: 1, restarts: 1.5, midnight: 1.8, changes: 2 }

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
  readonly changes: readonly Change[]
  /** The last node is no founder: it joins by a change. */
  readonly joins: boolean
}

/** What the owner of the mesh wants, or the operator tells him. */
export type Change =
  /** To this part of the limit at first, in thousandths. */
  | { readonly kind: 'limit'; readonly atMs: number; readonly dim: 'day' | 'month'; readonly thousandths: number }
  | { readonly kind: 'join'; readonly atMs: number }
  /** Its disk is lost with it. */
  | { readonly kind: 'remove'; readonly atMs: number; readonly node: number }

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
 * changes: limits, members and ledgers change while some nodes hear nothing of it.
 */
export type Weather = 'fair' | 'rough' | 'restarts' | 'midnight' | 'changes'

/** What is left of a disk after the process stopped. */
export type Fate = 'kept' | 'lost' | 'rolled-back'

export type Fault =
  | { readonly kind: 'cut'; readonly atMs: number; readonly untilMs: number; readonly pairs: ReadonlySet<string> }
  | {
      readonly kind: 'stop'
      readonly atMs: number
      readonly downMs: number
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

/** @param fixed what the run is about, instead of what is drawn */
export function planOf({ seed, nodes, demand, faults }: SimTerms, random: Random, fixed?: Weather): Plan {
  const drawn: Weather =
    faults === 'none' ? 'fair' : random.pick(['rough', 'rough', 'restarts', 'midnight', 'changes'] as const)
  const weather = fixed ?? drawn
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
const RUSH: Readonly<Record<Weather, number>> = { fair: 0, rough: 0.25, restarts: 0.25, midnight: 0.6, changes: 0.2 }

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
  const isLong = order.atMs < endMs - DAY_MS && random.chance(0.9)
  return { patienceMs: 4 * HOUR_MS, ...(isLong ? { durationMs: random.exponential(1.5 * HOUR_MS) } : {}) }
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
    case 'changes':
      return [
        ...times(2, () => cutAt(at(), nodes, random)),
        awayOverMidnight(span, random),
        ...times(some, () =>
          random.chance(0.3) ? stopAt(atAll(), nodes, random) : shortStopAt(atAll(), nodes, random),
        ),
      ]
    case 'midnight':
      return times(random.below(3), () => shortStopAt(atAll(), nodes, random))
  }
}

/** One hears nothing for half a day around the end of the first. */
function awayOverMidnight({ startMs, nodes }: Span, random: Random): Fault {
  const away = random.below(nodes)
  const others = Array.from({ length: nodes }, (_, index) => index).filter((index) => index !== away)
  const pairs = new Set(others.flatMap((other) => [pairOf(away, other), pairOf(other, away)]))
  const [from, to] = [random.between(0.05, 0.9), random.between(1.05, 1.9)]
  return { kind: 'cut', atMs: startMs + from * DAY_MS, untilMs: startMs + to * DAY_MS, pairs }
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}

function shortStopAt(atMs: number, nodes: number, random: Random): Fault {
  const downMs = random.exponential(30_000)
  const how = { fate: 'kept', amidWrite: true, landed: random.chance(0.3), clockMs: clockIn(random) } as const
  return { kind: 'stop', atMs, downMs, node: random.below(nodes), ...how }
}

function stopAt(atMs: number, nodes: number, random: Random): Fault {
  const draw = random.next()
  const fate = draw < 0.3 ? 'lost' : draw < 0.45 ? 'rolled-back' : 'kept'
  const downMs = random.chance(0.3) ? random.exponential(60_000) : random.exponential(0.15 * DAY_MS)
  const amidWrite = random.chance(0.6)
  return {
    ...{ kind: 'stop', atMs, downMs, node: random.below(nodes), fate, amidWrite },
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
