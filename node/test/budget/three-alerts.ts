import { parseUsd } from '@bzzz/budget'
import type { Alert, OpenedManifest, PeerId } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { type AlertFact, type Alerts, openAlerts } from '../../src/budget/alerts.ts'
import { identityFromSeed } from '../../src/identity/identity.ts'
import { day, manifestOfThree, month, NOW } from '../counter/budget-and-mesh.ts'

/** Seeds as in budget-and-mesh, in the order of the peer ids: who comes first tells first. */
export const identities = [1, 2, 3]
  .map((seed) => identityFromSeed(new Uint8Array(32).fill(seed)))
  .toSorted((a, b) => (a.peer < b.peer ? -1 : 1))

/** A disk that fails when it is told to. */
export function memoryRoom() {
  const rows = new Map<string, Uint8Array>()
  const room = {
    rows,
    broken: false,
    async *entries() {
      yield* [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1))
    },
    async write(operations: readonly Operation[]) {
      if (room.broken) throw new Error('the disk is full')
      for (const operation of operations) {
        if ('put' in operation) rows.set(operation.put, operation.value)
        else rows.delete(operation.del)
      }
    },
  }
  return room satisfies Pick<Room, 'entries' | 'write'> & Record<string, unknown>
}

/** One node's alerts, on a disk that outlives it. */
export interface Home {
  readonly peer: PeerId
  readonly room: ReturnType<typeof memoryRoom>
  readonly facts: AlertFact[]
  /** What people were told, by whichever run. */
  readonly told: Alert[]
  alerts: Alerts
  restart(): Promise<void>
}

/** Three nodes on one clock; what they spent is seen by all, unless a test cuts them off. */
export async function threeAlerts() {
  const manifest = await manifestOfThree()
  const world = {
    ...{ manifest, nowMs: NOW, spent: { [day]: '0', [month]: '0' } as Record<string, string> },
    /** With ledgers that were given up. */
    lost: {} as Record<string, string>,
    /** Pairs that do not reach each other. */
    cut: new Set<string>(),
    homes: [] as Home[],
    links: Promise.resolve() as Promise<unknown>,
    cutOff(one: Home): void {
      for (const other of world.homes) if (other !== one) world.cut.add(pair(one.peer, other.peer))
    },
    /** Links are there again, and each tells the other what it knows. */
    async heal(): Promise<void> {
      world.cut.clear()
      for (const from of world.homes) {
        for (const to of world.homes) {
          if (from !== to) for (const { bytes } of from.alerts.greeting()) await to.alerts.receive(bytes, from.peer)
        }
      }
      await world.settle()
    },
    /** Everybody looks, and what is told meanwhile arrives. */
    async look(...homes: readonly Home[]): Promise<void> {
      for (const home of homes.length === 0 ? world.homes : homes) await home.alerts.look()
      await world.settle()
    },
    async settle(): Promise<void> {
      for (let links = world.links; ; links = world.links) {
        await links
        if (links === world.links) return
      }
    },
  }
  for (const identity of identities) world.homes.push(await openHome(identity, world))
  return world
}

type World = Awaited<ReturnType<typeof threeAlerts>>

async function openHome(
  signer: (typeof identities)[number],
  world: Omit<World, 'homes'> & { homes: Home[] },
): Promise<Home> {
  const { peer } = signer
  const room = memoryRoom()
  const facts: AlertFact[] = []
  const told: Alert[] = []
  const reached = (): Home[] =>
    world.homes.filter((home) => home.peer !== peer && !world.cut.has(pair(peer, home.peer)))
  const open = (): Promise<Alerts> =>
    openAlerts({
      ...{ room, mesh: world.manifest.mesh, signer, manifest: (): OpenedManifest => world.manifest },
      periods: () => [day, month],
      total: async (period) => {
        const low = parseUsd(world.spent[period] ?? '0')
        const limit = world.manifest.manifest.limits.find(
          ({ dim }) => dim === (period === day ? 'day' : 'month'),
        )?.amount
        if (limit === undefined) throw new RangeError(`no limit of ${period}`)
        const lost = parseUsd(world.lost[period] ?? '0')
        return { low, high: low, lost, left: 0n as never, limit, found: 3, missing: [], oldestMs: null, byAccount: [] }
      },
      online: () => new Set(reached().map((home) => home.peer)),
      tell({ bytes }, but) {
        const receivers = reached().filter((home) => home.peer !== but)
        world.links = Promise.all([world.links, ...receivers.map((home) => home.alerts.receive(bytes, peer))])
      },
      now: () => world.nowMs,
      observe(fact) {
        facts.push(fact)
        if (fact.type === 'alert-told') told.push(fact.alert)
      },
    })
  const home: Home = {
    ...{ peer, room, facts, told, alerts: await open() },
    async restart() {
      home.alerts = await open()
    },
  }
  return home
}

function pair(a: PeerId, b: PeerId): string {
  return [a, b].toSorted().join()
}
