import { dayOf, leftNow } from './bills.ts'
import { createClockwork } from './clockwork.ts'
import { createDoubles } from './doubles.ts'
import { planOf } from './draw-plan.ts'
import { type Figures, noFigures } from './figures.ts'
import { fixedLimits } from './limits.ts'
import { type EscrowMesh, found, limitsFrom, settle } from './mesh.ts'
import { mutantNamed } from './mutants.ts'
import { createNaiveHouse } from './naive-house.ts'
import { createNetwork } from './network.ts'
import { createOracle, type Violation } from './oracle.ts'
import { type Fault, pairOf } from './plan.ts'
import { createRandom } from './random.ts'
import type { SimTerms } from './terms.ts'
import type { House, World } from './world.ts'

export interface RunResult {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly worstOver: number
  /** Within what an account in use twice may have; a part of the limit. */
  readonly worstByTwin: number
  readonly figures: Figures
}

const QUIET_MS = 3 * 3_600_000
/** Reading a ledger anew costs as much as the run: it is done for some of them. */
const VERIFIED_EVERY = 20

/** Two days of a mesh. @param trace what happens, line by line */
export async function simulate(terms: SimTerms, trace?: (line: string) => void): Promise<RunResult> {
  const random = createRandom(terms.seed)
  const plan = planOf(terms, random.fork(), terms.weather ?? mutantNamed(terms.mutant).weather)
  const clockwork = createClockwork(plan.startMs - 60_000)
  const seen: Omit<World, 'limits'> = {
    ...{ plan, clockwork, unmet: new Map(), doubles: createDoubles(), figures: noFigures(), random: random.fork() },
    network: createNetwork(
      clockwork,
      random.fork(),
      terms.faults === 'none' ? { loss: 0, twice: 0 } : { loss: 0.05, twice: 0.03 },
      random.fork(),
    ),
    oracle: createOracle(() => clockwork.nowMs),
    trace: (line) => trace?.(`${new Date(clockwork.nowMs).toISOString()} ${line()}`),
  }
  const { world, houses, founders, copy } = await meshIn(seen, terms)
  for (const house of houses.slice(0, founders)) house.start()
  for (const order of plan.orders) clockwork.at(order.atMs, () => houses[order.node]?.place(order))
  for (const fault of plan.faults) happen(world, { houses, copy }, fault)
  for (let endMs = dayEnd(plan.startMs); endMs <= plan.endMs; endMs = dayEnd(endMs)) {
    clockwork.at(endMs - 1, () => noteEndOfDay(world))
  }
  await clockwork.runUntil(plan.endMs + QUIET_MS)
  if (terms.seed % VERIFIED_EVERY === 0 || trace !== undefined) for (const house of houses) await house.verify()
  const { violations, worstOver, worstByTwin, overruns } = world.oracle
  world.figures.overrun += Number(overruns) / Number(plan.limits.day)
  for (const { atMs, kind, words } of violations) trace?.(`${new Date(atMs).toISOString()} VIOLATION ${kind}: ${words}`)
  return { seed: terms.seed, violations, worstOver, worstByTwin, figures: world.figures }
}

interface Peopled {
  readonly world: World
  readonly houses: readonly House[]
  /** So many of them are there from the beginning. */
  readonly founders: number
  /** Of a machine, disk and all, that runs elsewhere from now on. */
  readonly copy?: EscrowMesh['copy']
}

async function meshIn(seen: Omit<World, 'limits'>, terms: SimTerms): Promise<Peopled> {
  if (terms.policy === 'naive') {
    const world = { ...seen, limits: fixedLimits(seen.plan.limits) }
    return { world, houses: naiveMesh(world, terms.nodes), founders: terms.nodes }
  }
  const founding = await found(seen.plan, terms)
  const limits = limitsFrom(founding, seen)
  const world = { ...seen, limits }
  return { world, ...settle(world, founding, limits, terms.mutant) }
}

function naiveMesh(world: World, nodes: number): House[] {
  const houses: ReturnType<typeof createNaiveHouse>[] = []
  for (let index = 0; index < nodes; index += 1) houses.push(createNaiveHouse({ world, index, houses }))
  return houses
}

function happen(
  { clockwork, network, trace }: World,
  { houses, copy }: Pick<Peopled, 'houses' | 'copy'>,
  fault: Fault,
): void {
  clockwork.at(fault.atMs, () => {
    switch (fault.kind) {
      case 'cut': {
        trace(() => `${fault.pairs.size} links are cut until ${new Date(fault.untilMs).toISOString()}`)
        const heal = network.cut((from, to) => fault.pairs.has(pairOf(from, to)))
        clockwork.at(fault.untilMs, () => {
          trace(() => 'links are healed')
          heal()
          for (const from of houses) for (const to of houses.keys()) from.greet(to)
        })
        return
      }
      case 'stop':
        houses[fault.node]?.stop(fault)
        return
      case 'full-disk':
        houses[fault.node]?.fillDisk()
        return
      case 'backup':
        houses[fault.node]?.backUp()
        return
      case 'clock':
        houses[fault.node]?.setClock(fault.clockMs)
        return
      case 'twin':
      case 'put-back':
        copy?.(fault)
    }
  })
}

const DAY_MS = 86_400_000

function dayEnd(ms: number): number {
  return ms + DAY_MS - (ms % DAY_MS)
}

/** What is left of the narrower limit, as far as calls were denied that would have taken it. */
function noteEndOfDay(world: World): void {
  const { plan, clockwork, unmet, figures } = world
  const [left, wanted] = [leftNow(world), unmet.get(dayOf(clockwork.nowMs)) ?? 0n]
  figures.stranded += Math.max(0, Number(left < wanted ? left : wanted) / Number(plan.limits.day))
  figures.days += 1
}
