import { createHash } from 'node:crypto'
import { createAccount, signFirstManifest, splitCap } from '@bzzz/budget'
import { type Account, dayPeriod, monthPeriod, type NanoUsd, type OpenedManifest } from '@bzzz/protocols'
import { guardState } from '@bzzz/store'
import { threadIn } from './bills.ts'
import { type CopyFault, copyHouse, putBackHouse } from './copies.ts'
import { createDisk } from './disk.ts'
import { createEscrowHouse } from './escrow-house.ts'
import type { EscrowHouse } from './home.ts'
import { type ChangingLimits, changingLimits, isClosed } from './limits.ts'
import { mutantNamed } from './mutants.ts'
import { createOwner, type Owner } from './owner.ts'
import { nodeSigner, owner as ownerSigner, prices } from './people.ts'
import type { Change, Plan } from './plan.ts'
import type { SimTerms } from './terms.ts'
import type { World } from './world.ts'

export interface EscrowMesh {
  readonly houses: readonly EscrowHouse[]
  readonly owner: Owner
  /** Those that are there from the beginning. */
  readonly founders: number
  /** Of a machine, which runs elsewhere from now on, or is put back later. */
  copy(fault: CopyFault): void
}

export interface Founding {
  readonly first: OpenedManifest
  readonly disks: readonly ReadonlyMap<string, Uint8Array>[]
  readonly accounts: readonly Account[]
  readonly randomBytes: (length: number) => Uint8Array
}

/** Every node's ledger, and the first manifest that names them. */
export async function found(plan: Plan, { seed, nodes }: Pick<SimTerms, 'seed' | 'nodes'>): Promise<Founding> {
  let drawn = 0
  const randomBytes = (length: number): Uint8Array => {
    drawn += 1
    return Uint8Array.from(createHash('sha512').update(`${seed}/${drawn}`).digest().subarray(0, length))
  }
  const machines = await Promise.all(
    Array.from({ length: nodes }, async (_, index) => {
      const disk = createDisk(
        new Map(),
        () => undefined,
        () => 0,
      )
      const room = guardState(disk.level).room('budget')
      const incarnation = await createAccount(room, { now: () => plan.startMs, randomBytes })
      return { disk: disk.synced, account: { peer: nodeSigner(index).peer, incarnation } }
    }),
  )
  const founders = plan.joins ? machines.slice(0, -1) : machines
  const first = signFirstManifest({
    ...{ network: 'simulated', owner: ownerSigner, prices, now: () => plan.startMs - 3_600_000 },
    members: founders.map(({ account }, index) => ({ member: memberAt(index), account, weight: 1 })),
    limits: { day: plan.limits.day as NanoUsd, month: plan.limits.month as NanoUsd },
    perAgentDaily: plan.limits.agentDay as NanoUsd,
    thresholds: { warning: 800, critical: 950 },
    clockSkewMs: plan.clockSkewMs,
  })
  const [disks, accounts] = [machines.map(({ disk }) => disk), machines.map(({ account }) => account)]
  return { first, disks, accounts, randomBytes }
}

function memberAt(index: number) {
  return { peer: nodeSigner(index).peer, label: `node-${index}`, role: 'node' as const, addrs: [] }
}

const DAY_MS = 86_400_000

export function limitsFrom(
  { first }: Founding,
  { plan, clockwork }: Pick<World, 'plan' | 'clockwork'>,
): ChangingLimits {
  const times = [-1, 0, 1, 2].map((days) => plan.startMs + days * DAY_MS)
  const periods = times.flatMap((ms) => [dayPeriod(ms), monthPeriod(ms)])
  return changingLimits(clockwork, first.manifest, [...new Set(periods)])
}

export function settle(
  world: World,
  founding: Founding,
  limits: ChangingLimits,
  mutantName: string | null,
): EscrowMesh {
  const { first, disks, accounts, randomBytes } = founding
  const { plan, clockwork, network } = world
  const mutant = mutantNamed(mutantName)
  const houses: EscrowHouse[] = []
  const owner = createOwner({
    ...{ world, mutant, first, limits, now: () => houses[0]?.nowMs() ?? clockwork.nowMs },
    clockDoubt: () => houses[0]?.process?.budget.clockDoubt(),
    tell: (next) => {
      for (const [to, house] of houses.entries()) {
        if (to === 0) house.hearManifest(next)
        else network.send(0, to, () => house.hearManifest(next))
      }
    },
  })
  const founders = plan.joins ? disks.length - 1 : disks.length
  const shares = accounts.slice(0, founders).map((account) => ({ account, weight: 1 }))
  const thread = {
    id: threadIn(plan),
    cap: splitCap(plan.limits.thread as NanoUsd, shares),
  }
  const shared = { world, mutant, first, owner, thread, houses, randomBytes }
  for (const [index, disk] of disks.entries()) {
    const own = { index, peer: index, clockMs: plan.clocks[index] ?? 0, disk }
    houses.push(createEscrowHouse({ ...shared, ...own }))
  }
  for (const change of plan.changes) makeChange(world, founding, { houses, owner }, change)
  world.doubles.attested((account, period) => isClosed(owner.newest.manifest, account, period))
  return {
    houses,
    owner,
    founders,
    copy: (fault) => (fault.kind === 'twin' ? copyHouse(shared, fault) : putBackHouse(shared, fault)),
  }
}

const AGAIN_MS = 1_800_000

/** What somebody wants is asked for until the owner's machine is up and it may be signed. */
function makeChange(
  world: World,
  founding: Founding,
  mesh: Pick<EscrowMesh, 'houses' | 'owner'>,
  change: Change,
): void {
  const { clockwork, plan } = world
  const { houses, owner } = mesh
  const last = houses.length - 1
  const attempt = (): boolean => {
    if (houses[0]?.isUp !== true) return false
    switch (change.kind) {
      case 'limit': {
        const amount = ((plan.limits[change.dim] * BigInt(change.thousandths)) / 1_000n) as NanoUsd
        return owner.change({ kind: 'limit', dim: change.dim, amount })
      }
      case 'join': {
        const account = founding.accounts[last]
        const joins = account !== undefined && owner.change({ kind: 'add-member', member: memberAt(last), account })
        if (!joins) return false
        houses[last]?.hearManifest(owner.newest)
        houses[last]?.start()
        return true
      }
      case 'remove':
        houses[change.node]?.remove()
        return owner.change({ kind: 'remove-member', peer: nodeSigner(change.node).peer, how: 'attested' })
    }
  }
  const tryAt = (atMs: number): void => {
    clockwork.at(atMs, () => {
      if (!attempt() && clockwork.nowMs < plan.endMs) tryAt(clockwork.nowMs + AGAIN_MS)
    })
  }
  tryAt(change.atMs)
}
