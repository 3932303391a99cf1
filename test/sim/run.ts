import { createHash } from 'node:crypto'
import { createAccount, signFirstManifest, splitCap } from '@bzzz/budget'
import { type Account, type NanoUsd, newThreadId } from '@bzzz/protocols'
import { guardState } from '@bzzz/store'
import { dayOf } from './bills.ts'
import { createClockwork } from './clockwork.ts'
import { createDisk } from './disk.ts'
import { createEscrowHouse, type EscrowHouse } from './escrow-house.ts'
import { type Figures, noFigures } from './figures.ts'
import { mutantNamed } from './mutants.ts'
import { createNaiveHouse } from './naive-house.ts'
import { createNetwork } from './network.ts'
import { createOracle, type Violation } from './oracle.ts'
import { nodeSigner, owner, prices } from './people.ts'
import { type Fault, pairOf, planOf } from './plan.ts'
import { createRandom } from './random.ts'
import type { SimTerms } from './terms.ts'
import type { House, World } from './world.ts'

export interface RunResult {
  readonly seed: number
  readonly violations: readonly Violation[]
  readonly worstOver: number
  readonly figures: Figures
}

const QUIET_MS = 3 * 3_600_000
/** Reading a ledger anew costs as much as the run: it is done for some of them. */
const VERIFIED_EVERY = 20

/** Two days of a mesh. @param trace what happens, line by line */
export async function simulate(terms: SimTerms, trace?: (line: string) => void): Promise<RunResult> {
  const random = createRandom(terms.seed)
  const plan = planOf(terms, random.fork())
  const clockwork = createClockwork(plan.startMs - 60_000)
  const world: World = {
    ...{ plan, clockwork, unmet: new Map(), figures: noFigures(), random: random.fork() },
    network: createNetwork(
      clockwork,
      random.fork(),
      terms.faults === 'none' ? { loss: 0, twice: 0 } : { loss: 0.05, twice: 0.03 },
    ),
    oracle: createOracle(() => clockwork.nowMs),
    trace: (line) => trace?.(`${new Date(clockwork.nowMs).toISOString()} ${line()}`),
  }
  const houses = terms.policy === 'naive' ? naiveMesh(world, terms.nodes) : await escrowMesh(world, terms)
  for (const house of houses) house.start()
  for (const order of plan.orders) clockwork.at(order.atMs, () => houses[order.node]?.place(order))
  for (const fault of plan.faults) happen(world, houses, fault)
  for (let endMs = dayEnd(plan.startMs); endMs <= plan.endMs; endMs = dayEnd(endMs)) {
    clockwork.at(endMs - 1, () => noteEndOfDay(world))
  }
  await clockwork.runUntil(plan.endMs + QUIET_MS)
  if (terms.seed % VERIFIED_EVERY === 0 || trace !== undefined) for (const house of houses) await house.verify()
  const { violations, worstOver } = world.oracle
  for (const { atMs, kind, words } of violations) trace?.(`${new Date(atMs).toISOString()} VIOLATION ${kind}: ${words}`)
  return { seed: terms.seed, violations, worstOver, figures: world.figures }
}

function naiveMesh(world: World, nodes: number): House[] {
  const houses: ReturnType<typeof createNaiveHouse>[] = []
  for (let index = 0; index < nodes; index += 1) houses.push(createNaiveHouse({ world, index, houses }))
  return houses
}

async function escrowMesh(world: World, { seed, nodes, mutant }: SimTerms): Promise<House[]> {
  const { plan } = world
  let drawn = 0
  const randomBytes = (length: number): Uint8Array => {
    drawn += 1
    return Uint8Array.from(createHash('sha512').update(`${seed}/${drawn}`).digest().subarray(0, length))
  }
  const founders = await Promise.all(
    Array.from({ length: nodes }, async (_, index) => {
      const disk = createDisk(new Map(), world.clockwork.after, () => 0)
      const incarnation = await createAccount(guardState(disk.level).room('budget'), {
        ...{ now: () => plan.startMs, randomBytes },
      })
      const account: Account = { peer: nodeSigner(index).peer, incarnation }
      return { disk: disk.synced, account }
    }),
  )
  const manifest = signFirstManifest({
    ...{ network: 'simulated', owner, prices, now: () => plan.startMs - 3_600_000 },
    members: founders.map(({ account }, index) => ({
      ...{
        member: { peer: account.peer, label: `node-${index}`, role: 'node' as const, addrs: [] },
        account,
        weight: 1,
      },
    })),
    limits: { day: plan.limits.day as NanoUsd, month: plan.limits.month as NanoUsd },
    perAgentDaily: plan.limits.agentDay as NanoUsd,
    thresholds: { warning: 800, critical: 950 },
    clockSkewMs: plan.clockSkewMs,
  })
  const cap = splitCap(
    plan.limits.thread as NanoUsd,
    founders.map(({ account }) => ({ account, weight: 1 })),
  )
  const thread = { id: newThreadId(plan.startMs, new Uint8Array(10)), cap }
  const houses: EscrowHouse[] = []
  for (const [index, { disk }] of founders.entries()) {
    const shared = { world, houses, thread, randomBytes, manifest: () => manifest, mutant: mutantNamed(mutant) }
    houses.push(createEscrowHouse({ ...shared, index, disk }))
  }
  return houses
}

function happen({ clockwork, network, trace }: World, houses: readonly House[], fault: Fault): void {
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
        clockwork.at(fault.untilMs, () => houses[fault.node]?.start())
        return
      case 'full-disk':
        houses[fault.node]?.fillDisk()
        return
      case 'backup':
        houses[fault.node]?.backUp()
    }
  })
}

const DAY_MS = 86_400_000

function dayEnd(ms: number): number {
  return ms + DAY_MS - (ms % DAY_MS)
}

/** What is left of the narrower limit, as far as calls were denied that would have taken it. */
function noteEndOfDay({ plan, clockwork, oracle, unmet, figures }: World): void {
  const day = dayOf(clockwork.nowMs)
  const lefts = [
    plan.limits.day - oracle.billed(`utc ${day}`),
    plan.limits.month - oracle.billed(`utc ${day.slice(0, 7)}`),
  ]
  const least = [...lefts, unmet.get(day) ?? 0n].reduce((one, other) => (one < other ? one : other))
  figures.stranded += Math.max(0, Number(least) / Number(plan.limits.day))
  figures.days += 1
}
