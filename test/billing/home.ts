import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Budget, createAccount, loadPrices, openBudget, type PriceTable, verifyLedger } from '@bzzz/budget'
import { type Mesh, openMesh } from '@bzzz/mesh'
import { type Account, type OpenedManifest, openManifest, signedVersion } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { openThreads } from '@bzzz/threads'
import {
  ConfigError,
  createBudgetWires,
  identityFromSeed,
  openMembership,
  openOffice,
  openOwner,
  openSharedCounter,
} from 'bzzz'
import { MODEL } from './till.ts'

export interface HomeOptions {
  readonly directory: string
  readonly seed: Uint8Array
  readonly port: number
  /** What is added to the machine's clock. */
  readonly aheadMs: number
}

export interface Place {
  /** Version 1, sealed. */
  readonly manifest: Uint8Array
  /** Of the mesh, where this node holds it. */
  readonly ownerSeed?: Uint8Array
  /** Where the other nodes are reached from here. */
  readonly addrs: Readonly<Record<string, string>>
}

/** The rooms of a node that hold, spend and move money, wired as the node wires them. */
export interface Home {
  readonly budget: Budget
  readonly mesh: Mesh
  readonly owner: Owner
  readonly now: () => number
  close(): Promise<void>
}

export const prices: PriceTable = loadPrices(
  JSON.stringify({ currency: 'USD', unit: 'per million tokens', models: [MODEL] }),
  'test-prices.json',
)

const SECRET = Buffer.alloc(32, 7)
/** A cut is noticed, and mended, within a second. */
const QUICK = { pingMs: 250, dialMs: 1_000, graceMs: 100, redialFirstMs: 50, redialMostMs: 250, cardMs: 500 }
/** Nobody listens there; without it a card tells addresses that lead around the gates. */
const NOWHERE = '/ip4/127.0.0.1/tcp/9'

/** The name of the ledger, which is made if there is none. */
export async function accountIn({ directory, seed, aheadMs }: HomeOptions): Promise<Account> {
  const state = await openState({ directory: join(directory, 'state') })
  const now = () => Date.now() + aheadMs
  const incarnation = await createAccount(state.room('budget'), { now, randomBytes })
  await state.close()
  return { peer: identityFromSeed(seed).peer, incarnation }
}

export async function openHome({ directory, seed, port, aheadMs }: HomeOptions, place: Place): Promise<Home> {
  const signer = identityFromSeed(seed)
  const now = () => Date.now() + aheadMs
  const first = openManifest(place.manifest, 'first')
  const meshId = first.mesh
  const state = await openState({
    directory: join(directory, 'state'),
    verify: async (room) => void (await verifyLedger(room('budget'), meshId)),
  })
  const room = state.room('membership')
  const membership = await openMembership({ room, first })
  const { newest, contested, isMember } = membership
  const budget = await openBudget({
    ...{ room: state.room('budget'), manifest: newest, contested, signer, prices, now, randomBytes },
    reachable: (period) => wires.reachable(period),
  })
  const wires = createBudgetWires({ budget, now, observe: () => {} })
  const ownerKey = async () => {
    if (place.ownerSeed === undefined) throw new ConfigError('OWNER_KEY_MISSING', 'it is elsewhere')
    return identityFromSeed(place.ownerSeed)
  }
  const owner = await openOwner({ mesh: meshId, room, membership, account: budget.account, owner: ownerKey, now })
  const threads = await openThreads({
    ...{ room: state.room('threads'), mesh: meshId, signer, isMember, now, randomBytes },
  })
  const mesh = await openMesh({
    ...{ mesh: meshId, network: 'billing', privateKey: seed, signer, secret: SECRET, threads, now },
    listen: [`/ip4/127.0.0.1/tcp/${port}`],
    cacheDirectory: join(directory, 'cache'),
    members: () => membersOf(newest(), place),
    manifest: {
      newest: () => ({ version: newest().manifest.version, bytes: newest().bytes }),
      receive: membership.receive,
      versionOf: (bytes) => signedVersion(bytes, first),
      wasMember: membership.wasMember,
      subscribe: membership.subscribe,
    },
    budget: wires.port,
    timings: QUICK,
    card: () => ({
      ...{ v: 1, peer: signer.peer, label: labelOf(newest(), signer.peer), incarnation: budget.account.incarnation },
      ...{ boot: budget.boot, spare: budget.spare(), addrs: [NOWHERE], version: '0.1.0' },
      manifestVersion: newest().manifest.version,
      ...{ startedMs: 0, wallMs: now(), seq: now(), threads: 0, agents: [] },
    }),
  })
  wires.connect(mesh)
  const counter = openSharedCounter({ budget, mesh, manifest: newest, now })
  const office = openOffice({
    ...{ room, membership, owner, ownerKey, budget, mesh, counter, hooks: wires.hooks, isLaptop: false, now },
    ...{ stopTurns: async () => {}, observe: () => {} },
  })
  return {
    ...{ budget, mesh, owner, now },
    async close() {
      await office.close()
      await counter.close()
      await mesh.close()
      await wires.close()
      await threads.close()
      await owner.close()
      await budget.close()
      await state.close()
    },
  }
}

type Owner = Awaited<ReturnType<typeof openOwner>>

function membersOf({ manifest }: OpenedManifest, { addrs }: Place) {
  return manifest.members.map((member) => {
    const addr = addrs[member.peer]
    return { ...member, addrs: addr === undefined ? [] : [addr] }
  })
}

function labelOf({ manifest }: OpenedManifest, peer: string): string {
  return manifest.members.find((member) => member.peer === peer)?.label ?? 'newcomer'
}
