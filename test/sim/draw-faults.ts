import { type Fault, pairOf } from './plan.ts'
import type { Random } from './random.ts'
import { clockIn, DAY_MS, HOUR_MS, type Span, timeOf, times } from './weather.ts'

export function faultsIn(span: Span, random: Random): Fault[] {
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
    case 'twins':
      return [
        ...times(1 + random.below(3), () => cutAt(at(), nodes, random)),
        ...times(some, () => toldStopAt(atAll(), nodes, random)),
        ...times(nodes > 1 ? 1 : 0, () => twinOf(span, random)),
      ]
    case 'put-back':
      return [
        ...times(1 + random.below(3), () => cutAt(at(), nodes, random)),
        ...times(some, () => toldStopAt(atAll(), nodes, random)),
        ...putBackOf(span, random),
      ]
    case 'overruns':
      return [
        ...times(random.below(3), () => cutAt(at(), nodes, random)),
        ...times(some, () => shortStopAt(atAll(), nodes, random)),
      ]
    case 'clocks':
      return [
        ...times(random.below(2), () => cutAt(at(), nodes, random)),
        ...times(some, () => stopAt(atAll(), nodes, random)),
        ...times(1 + random.below(3), () => wrongClockAt(atAll(), nodes, random)).flat(),
      ]
  }
}

/** One hears nothing for half a day around the end of the first. */
function awayOverMidnight({ startMs, nodes }: Span, random: Random): Fault {
  const away = random.below(nodes)
  const pairs = linksOf(away, nodes)
  const [from, to] = [random.between(0.05, 0.9), random.between(1.05, 1.9)]
  return { kind: 'cut', atMs: startMs + from * DAY_MS, untilMs: startMs + to * DAY_MS, pairs }
}

function shortStopAt(atMs: number, nodes: number, random: Random): Fault {
  const downMs = random.exponential(30_000)
  const how = { fate: 'kept', amidWrite: true, landed: random.chance(0.3), clockMs: clockIn(random) } as const
  return { kind: 'stop', atMs, downMs, node: random.below(nodes), ...how }
}

/** Nothing is on the disk of which nobody was told: the oracle's books of an account in use twice go by what was told. */
function toldStopAt(atMs: number, nodes: number, random: Random): Fault {
  return { ...shortStopAt(atMs, nodes, random), landed: false } as Fault
}

/** Off by days to years, from a start or while it runs, until somebody puts it right. */
function wrongClockAt(atMs: number, nodes: number, random: Random): Fault[] {
  const node = random.below(nodes)
  const isAhead = random.chance(0.6)
  const offMs = random.pick([3, 10, 40, 365, 1_500]) * DAY_MS + random.next() * DAY_MS
  const clockMs = isAhead ? offMs : -offMs
  const wrong: Fault = random.chance(0.5)
    ? { kind: 'clock', atMs, node, clockMs }
    : { kind: 'stop', atMs, downMs: random.exponential(60_000), node, ...RESTART, clockMs }
  const untilMs = atMs + 60_000 + random.exponential(random.pick([0.3, 3, 12]) * HOUR_MS)
  return [wrong, { kind: 'clock', atMs: untilMs, node, clockMs: clockIn(random) }]
}

const RESTART = { fate: 'kept', amidWrite: false, landed: false } as const

/** Away from midnight, of a machine that is not the owner's. */
function twinOf({ startMs, nodes }: Span, random: Random): Fault {
  const atMs = startMs + (random.chance(0.8) ? 0 : DAY_MS) + random.between(2, 18) * HOUR_MS
  const meetsMs = atMs + random.exponential(random.pick([0.2, 2, 12]) * HOUR_MS)
  return { kind: 'twin', atMs, node: 1 + random.below(nodes - 1), clockMs: clockIn(random), meetsMs }
}

/** Some hours, and for a while nobody is reached that could tell. */
function putBackOf({ startMs, nodes }: Span, random: Random): Fault[] {
  const node = nodes > 1 ? 1 + random.below(nodes - 1) : 0
  const atMs = startMs + (random.chance(0.7) ? 0 : DAY_MS) + random.between(2, 12) * HOUR_MS
  const backMs = atMs + HOUR_MS * random.between(0.05, random.pick([1, 8, 20]))
  const untilMs = backMs + random.exponential(random.pick([0.01, 2, 12]) * HOUR_MS)
  const pairs = linksOf(node, nodes)
  return [
    { kind: 'put-back', atMs, node, backMs, downMs: random.exponential(600_000) },
    { kind: 'cut', atMs: backMs, untilMs, pairs },
  ]
}

function linksOf(node: number, nodes: number): ReadonlySet<string> {
  const others = Array.from({ length: nodes }, (_, index) => index).filter((index) => index !== node)
  return new Set(others.flatMap((other) => [pairOf(node, other), pairOf(other, node)]))
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
