import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Budget, type BudgetFact, openBudget, parseUsd, signFirstManifest } from '@bzzz/budget'
import { type Mesh, type MeshFact, openMesh } from '@bzzz/mesh'
import {
  type Account,
  type Boot,
  dayPeriod,
  type Incarnation,
  type Manifest,
  type MeshId,
  monthPeriod,
  type NanoUsd,
  type NodeCard,
  type OpenedManifest,
  openManifest,
  type Period,
  type Signer,
  type Slot,
  sealAck,
  sealGrant,
  sealManifest,
  sealSlot,
  sha256,
  signedVersion,
} from '@bzzz/protocols'
import { openState, type Room } from '@bzzz/store'
import { openThreads } from '@bzzz/threads'
import { createLeaveTaker } from '../../src/budget/leave.ts'
import { openOwner } from '../../src/budget/owner.ts'
import { type BudgetWires, createBudgetWires } from '../../src/budget/wires.ts'
import { readPriceTable } from '../../src/config/prices.ts'
import { openSharedCounter, type SharedCounter } from '../../src/counter/shared-counter.ts'
import { type Identity, identityFromSeed } from '../../src/identity/identity.ts'
import { type Membership, openMembership } from '../../src/membership/membership.ts'

const seeded = (number: number): Identity => identityFromSeed(new Uint8Array(32).fill(number))

/** The one that is sent things. */
export const walnut = seeded(1)
/** An honest node whose key made what is genuine. */
export const ironwood = seeded(2)
/** A member whose key signs anything. */
export const mallory = seeded(3)
/** Was a node until version 2. */
export const eve = seeded(4)
export const owner = seeded(9)
export const OTHER_MESH = 'cd'.repeat(32) as MeshId

export const accountOf = ({ peer }: Signer, digit = '0'): Account => {
  return { peer, incarnation: digit.repeat(32) as Incarnation }
}

/** Who comes back at once is not forgiven meanwhile. */
const TIMINGS = { redialFirstMs: 20, redialMostMs: 50, graceMs: 50, forgiveMs: 600_000 }

/** One node's doors for what accounts and the owner sign, over a ledger and a membership on disk. */
export interface HostilePlace {
  readonly first: OpenedManifest
  readonly second: OpenedManifest
  readonly budget: Budget
  readonly membership: Membership
  readonly wires: BudgetWires
  readonly counter: SharedCounter
  readonly mesh: Mesh
  readonly today: Period
  readonly thisMonth: Period
  /** Things that were told to have been refused. */
  readonly refusals: string[]
  /** All that is on disk, as one hash. */
  state(): Promise<string>
  close(): Promise<void>
}

export async function openHostilePlace(): Promise<HostilePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-doors-'))
  const state = await openState({ directory: join(directory, 'state') })
  const now = Date.now
  const first = await founded(now())
  const second = nextOf(first, { members: first.manifest.members.filter(({ peer }) => peer !== eve.peer) })
  const refusals: string[] = []
  const rooms = { budget: state.room('budget'), membership: state.room('membership') }
  const membership = await openMembership({ room: rooms.membership, first })
  await membership.receive(second.bytes, null)
  const observe = (fact: BudgetFact | MeshFact): void => {
    if (fact.type.endsWith('-refused') || fact.type === 'peer-shunned')
      refusals.push(`${fact.type}: ${'code' in fact ? fact.code : ''}`)
  }
  const budget = await openBudget({
    ...{ room: rooms.budget, manifest: membership.newest, signer: walnut, now, randomBytes, observe },
    prices: await testPrices(),
  })
  const wires = createBudgetWires({ budget, now, observe: () => {} })
  const threads = await openThreads({
    ...{
      room: state.room('threads'),
      mesh: first.mesh,
      signer: walnut,
      isMember: membership.isMember,
      now,
      randomBytes,
    },
    snapshots: { directory: join(directory, 'snapshots') },
  })
  const mesh = await openMesh({
    ...{ mesh: first.mesh, network: 'lab', privateKey: walnut.seed, signer: walnut, secret: null, now, observe },
    listen: ['/ip4/127.0.0.1/tcp/0'],
    timings: TIMINGS,
    cacheDirectory: join(directory, 'cache'),
    members: () => membership.newest().manifest.members,
    manifest: {
      newest: () => ({ version: membership.newest().manifest.version, bytes: membership.newest().bytes }),
      receive: membership.receive,
      versionOf: (bytes) => signedVersion(bytes, first),
      wasMember: membership.wasMember,
      subscribe: membership.subscribe,
    },
    budget: wires.port,
    threads,
    card: () => cardOf(walnut, budget.account, budget.boot),
  })
  wires.connect(mesh)
  const counter = openSharedCounter({ budget, mesh, manifest: membership.newest, now })
  const office = await openOwner({
    ...{ mesh: first.mesh, room: rooms.membership, membership, account: budget.account, now },
    owner: async () => owner,
  })
  wires.hooks.onSlot = async (slot) => counter.hear(slot)
  wires.hooks.onAck = office.onAck
  wires.hooks.onLeave = createLeaveTaker(first.mesh, office)
  return {
    ...{ first, second, budget, membership, wires, counter, mesh, refusals },
    today: dayPeriod(now()),
    thisMonth: monthPeriod(now()),
    state: async () =>
      Buffer.from(sha256(...(await contents(rooms.budget)), ...(await contents(rooms.membership)))).toString('hex'),
    async close() {
      await office.close()
      await wires.close()
      await counter.close()
      await mesh.close()
      await threads.close()
      await budget.close()
      await state.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function contents(room: Room): Promise<(Uint8Array | string)[]> {
  const all: (Uint8Array | string)[] = []
  for await (const [key, value] of room.entries()) all.push(`${key}=${value.length}:`, value)
  return all
}

/** Links to a node with a member's key, and says what it likes. */
export async function openMallory(place: HostilePlace): Promise<{ mesh: Mesh; close(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-mallory-'))
  const state = await openState({ directory: join(directory, 'state') })
  const { mesh: meshId } = place.first
  const now = Date.now
  const isMember = (): boolean => true
  const threads = await openThreads({
    ...{ room: state.room('threads'), mesh: meshId, signer: mallory, isMember, now, randomBytes },
    snapshots: { directory: join(directory, 'snapshots') },
  })
  const account = accountOf(mallory)
  const mesh = await openMesh({
    ...{ mesh: meshId, network: 'lab', privateKey: mallory.seed, signer: mallory, secret: null, now, threads },
    listen: ['/ip4/127.0.0.1/tcp/0'],
    timings: TIMINGS,
    cacheDirectory: join(directory, 'cache'),
    members: () => {
      const { members } = place.second.manifest
      return members.map((member) =>
        member.peer === walnut.peer ? { ...member, addrs: [...place.mesh.addrs()] } : member,
      )
    },
    budget: {
      grant: async () => ({ granting: { status: 'refused', code: 'nothing', reason: 'nothing' }, spare: [] }),
      receive: async () => {},
      greeting: () => [],
    },
    card: () => cardOf(mallory, account, { counter: 1, nonce: account.incarnation }),
  })
  return {
    mesh,
    async close() {
      await mesh.close()
      await threads.close()
      await state.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function cardOf({ peer }: Signer, { incarnation }: Account, boot: Boot): NodeCard {
  const nowMs = Date.now()
  return {
    ...{ v: 1, peer, label: 'a-node', incarnation, boot, spare: [], addrs: [], version: '0.1.0', manifestVersion: 2 },
    ...{ startedMs: nowMs, wallMs: nowMs, seq: nowMs, threads: 0, agents: [] },
  }
}

export function slotBy(
  signer: Signer,
  account: Account,
  more: Partial<Slot> & Pick<Slot, 'period'>,
  mesh: MeshId,
): Uint8Array {
  const zero = 0n as NanoUsd
  return sealSlot(
    {
      ...{ v: 1, account, boot: { counter: 1, nonce: account.incarnation }, seq: 20, manifestVersion: 2 },
      ...{ prevHash: null, wallMs: Date.now(), state: 'open', initial: parseUsd('2'), granted: [], received: [] },
      ...{ reserved: parseUsd('1'), released: zero, overrun: zero },
      ...more,
    },
    mesh,
    signer,
  )
}

export function grantBy(
  signer: Signer,
  grant: Omit<Parameters<typeof sealGrant>[0], 'v' | 'boot'>,
  mesh: MeshId,
): Uint8Array {
  return sealGrant({ v: 1, boot: { counter: 1, nonce: grant.from.incarnation }, ...grant }, mesh, signer)
}

export function ackBy(signer: Signer, account: Account, version: OpenedManifest, mesh: MeshId, seq = 5): Uint8Array {
  const { manifest, hash } = version
  return sealAck(
    { v: 1, account, version: manifest.version, manifest: Uint8Array.from(hash), seq, opened: [] },
    mesh,
    signer,
  )
}

/** The version after this one, signed by the owner unless somebody else does. */
export function signedNext(
  before: OpenedManifest,
  change: Partial<Manifest> = {},
  { by = owner, mesh = before.mesh }: { by?: Signer; mesh?: MeshId } = {},
): Uint8Array {
  const { manifest, hash } = before
  const body = { ...manifest, version: manifest.version + 1, prevHash: Uint8Array.from(hash), ...change }
  return sealManifest(body, mesh, by)
}

export function nextOf(before: OpenedManifest, change: Partial<Manifest> = {}): OpenedManifest {
  return openManifest(signedNext(before, change), before.mesh)
}

async function founded(nowMs: number): Promise<OpenedManifest> {
  const members = [walnut, ironwood, mallory, eve].map((identity, index) => ({
    member: { peer: identity.peer, label: `n${index}`, role: 'node' as const, addrs: [] },
    account: accountOf(identity),
    weight: 1,
  }))
  return signFirstManifest({
    ...{ network: 'lab', owner, members, perAgentDaily: null, thresholds: { warning: 800, critical: 950 } },
    ...{ limits: { day: parseUsd('8'), month: parseUsd('80') }, clockSkewMs: 5_000, prices: await testPrices() },
    now: () => nowMs,
  })
}

const testPrices = () => readPriceTable({ prices_file: undefined, local_model: false, openai_model: 'gpt-4o-mini' })
