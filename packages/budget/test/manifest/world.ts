import {
  type Account,
  type Ack,
  accountKey,
  type Manifest,
  type OpenedManifest,
  type Period,
  type Signer,
} from '@bzzz/protocols'
import { type SignerBook, trimmed, withAck, withVersion } from '../../src/manifest/book.ts'
import type { ManifestChange } from '../../src/manifest/change.ts'
import { signFirstManifest } from '../../src/manifest/first.ts'
import { reckon, SIGNING_RULES, type SigningRules } from '../../src/manifest/reckoning.ts'
import { signChangeBy } from '../../src/manifest/sign.ts'
import { chargedPeriods, DAY_MS, endOf } from '../../src/periods/charged.ts'
import { initialOf, limitOf } from '../../src/periods/rights.ts'
import { prices, signerNamed } from '../bench.ts'
import { owner } from './owner.ts'

/** How a machine takes to a manifest; wrong ones in their place have to be noticed. */
export interface MachineRules {
  opensBy(acknowledged: Manifest, newest: Manifest): Manifest
}
export const MACHINE_RULES: MachineRules = { opensBy: (acknowledged) => acknowledged }

export interface Machine {
  readonly account: Account
  readonly name: string
  /** Its clock less the true one. */
  readonly offMs: number
  /** Its disk is lost. */
  dead: boolean
  /** Taken from the network. */
  newest: OpenedManifest
  acked: OpenedManifest | undefined
  seq: number
  readonly opened: Map<Period, bigint>
}

type Limits = Manifest['limits']

/**
 * A mesh of ledgers that only open periods, an owner who signs, and a network that loses, repeats and reorders acks. What it may
 * cost is what was ever opened and every mint: rights are conserved by grants.
 */
export interface World {
  readonly skewMs: number
  ms: number
  book: SignerBook
  readonly machines: Machine[]
  /** All that was ever signed. */
  readonly signed: OpenedManifest[]
  /** Acks that left somebody. */
  readonly acks: Ack[]
  /** By period: limits that are or were in force while they may still be used up. */
  readonly inForce: { limits: Limits; version: number }[]
  readonly rules: SigningRules
  readonly machineRules: MachineRules
  /** The owner's clock less the true one. */
  offMs: number
}

export const START = Date.parse('2026-11-29T12:00:00Z')
export const NAMES = ['walnut', 'ironwood', 'acacia', 'hazel', 'rowan']
/** A signature proves nothing here, and costs as much as the rest. */
const unsigned: Signer = { ...owner, sign: () => new Uint8Array(64) }
const signers = new Map(NAMES.map((name) => [name, signerNamed(name)]))

export function memberNamed(name: string): Manifest['members'][number] {
  return { peer: signers.get(name)?.peer ?? ('' as never), label: name, role: 'node', addrs: [] }
}

export function createWorld(
  skews: readonly number[],
  rules: SigningRules = SIGNING_RULES,
  machineRules: MachineRules = MACHINE_RULES,
): World {
  const skewMs = 3_600_000
  const names = NAMES.slice(0, 3)
  const machines = names.map((name, index) => machineNamed(name, 0, (skews[index] ?? 0) * skewMs))
  const first = signFirstManifest({
    network: 'test',
    owner,
    members: machines.map(({ account, name }) => ({ member: memberNamed(name), account, weight: 1 })),
    limits: { day: 90n as never, month: 900n as never },
    perAgentDaily: null,
    thresholds: { warning: 800, critical: 950 },
    clockSkewMs: skewMs,
    prices,
    now: () => START,
  })
  for (const machine of machines) machine.newest = first
  return {
    ...{ skewMs, ms: START, machines, rules, machineRules, signed: [first], acks: [] },
    book: { versions: [first], acks: new Map(), forks: [] },
    inForce: [{ limits: first.manifest.limits, version: 1 }],
    offMs: (skews[3] ?? 0) * skewMs,
  }
}

export function machineNamed(name: string, ledger: number, offMs: number, newest?: OpenedManifest): Machine {
  const incarnation = ledger.toString(16).padStart(32, '0') as never
  const account = { peer: memberNamed(name).peer, incarnation }
  return { account, name, offMs, dead: false, newest: newest as never, acked: undefined, seq: 0, opened: new Map() }
}

/** As if a part of the limit followed from the latest version alone, whatever others hold. */
export const LATEST_SHARE: MachineRules = {
  opensBy(_, newest) {
    const sum = newest.weights.reduce((total, { weight }) => total + BigInt(weight), 0n)
    const allotments = newest.weights.flatMap(({ account, weight }) =>
      newest.limits.map(({ dim, from, amount }) => {
        return { account, dim, from, amount: ((amount * BigInt(weight)) / sum) as never }
      }),
    )
    return { ...newest, allotments }
  },
}

/** Whatever the clock of a machine may be charged now, it opens: so much may it cost. */
export function openPeriods(world: World, machine: Machine): void {
  if (machine.dead) return
  const last = { day: newestOpened(machine, 'd:'), month: newestOpened(machine, 'm:') }
  const clock = { nowMs: world.ms + machine.offMs, skewMs: world.skewMs }
  const { manifest } = machine.newest
  if (manifest.closed.some((entry) => accountKey(entry.account) === accountKey(machine.account))) return
  for (const dimension of ['day', 'month'] as const) {
    for (const period of chargedPeriods(dimension, clock, last[dimension])) {
      if (machine.opened.has(period) || machine.acked === undefined) continue
      const by = world.machineRules.opensBy(machine.acked.manifest, manifest)
      machine.opened.set(period, initialOf(by, machine.account, period))
    }
  }
}

function newestOpened({ opened }: Machine, prefix: string): Period | undefined {
  return [...opened.keys()]
    .filter((period) => period.startsWith(prefix))
    .sort()
    .at(-1)
}

/** A version arrives: it is taken if it is newer, and acknowledged. */
export function takeVersion(world: World, machine: Machine, version: OpenedManifest): void {
  if (machine.dead || version.manifest.version < machine.newest.manifest.version) return
  machine.newest = version
  if (version.manifest.version <= (machine.acked?.manifest.version ?? 0)) return
  const nowMs = world.ms + machine.offMs
  const opened = [...machine.opened].filter(([period]) => endOf(period) > nowMs - DAY_MS)
  machine.acked = version
  machine.seq += 1
  world.acks.push({
    ...{ v: 1, account: machine.account, version: version.manifest.version, seq: machine.seq },
    manifest: Uint8Array.from(version.hash),
    opened: opened.map(([period, initial]) => ({ period, initial: initial as never })),
  })
}

export function deliverAck(world: World, ack: Ack): void {
  world.book = withAck(world.book, ack)
  noteLimits(world)
}

/** @returns whether it was signed */
export function change(world: World, what: ManifestChange): boolean {
  const now = world.ms + world.offMs
  const signed = signChangeBy(world.rules, world.book, what, { owner: unsigned, now, verifies: () => true })
  if (signed.status !== 'signed') return false
  world.signed.push(signed.next)
  world.book = trimmed(withVersion(world.book, signed.next), now)
  world.inForce.push({ limits: signed.next.manifest.limits, version: signed.next.manifest.version })
  noteLimits(world)
  return true
}

/** The owner's disk is lost, and its key is back: its chain is the newest that anybody living acknowledged. */
export function restoreKey(world: World): boolean {
  const living = world.machines.filter(({ dead, acked }) => !dead && acked !== undefined)
  const newest = living.map(({ acked }) => acked).reduce((a, b) => (version(a) > version(b) ? a : b), world.signed[0])
  if (newest === undefined || living.length < world.machines.filter(({ dead }) => !dead).length) return false
  const before = world.book
  const told = living.flatMap(({ account }) => {
    return world.acks.findLast((ack) => accountKey(ack.account) === accountKey(account)) ?? []
  })
  world.book = { versions: [newest], forks: [], acks: new Map(told.map((ack) => [accountKey(ack.account), ack])) }
  const gone = world.machines.filter(({ dead }) => dead).map(({ account }) => account)
  if (change(world, { kind: 'restore', gone })) return true
  world.book = before
  return false
}

function version(of: OpenedManifest | undefined): number {
  return of?.manifest.version ?? 0
}

/** A lower limit is in force for a period once what may be opened fits: earlier ones do not count for it any more. */
const lowest = new WeakMap<World, Map<Period, number>>()

function noteLimits(world: World): void {
  const { manifest } = world.book.versions.at(-1) ?? { manifest: undefined }
  if (manifest === undefined) return
  const since = lowest.get(world) ?? new Map<Period, number>()
  lowest.set(world, since)
  const reckoning = reckon(SIGNING_RULES, world.book, manifest)
  const { restored, closed } = manifest
  const awaited = reckoning.accounts.filter(
    (account) => !closed.some((one) => accountKey(one.account) === accountKey(account)),
  )
  const isHeard = (account: Account): boolean => {
    return (world.book.acks.get(accountKey(account))?.version ?? 0) >= (restored?.version ?? 0)
  }
  if (!awaited.every(isHeard)) return
  // Of a period that is over, no version says anything any more.
  const running = periodsOf(world).filter((period) => {
    // Versions that were lost may have raised it, and somebody may still take them.
    const { beforeDay = '', beforeMonth = '' } = manifest.restored ?? {}
    const isLost = period < (period.startsWith('d:') ? beforeDay : beforeMonth)
    return !isLost && endOf(period) > world.ms + world.offMs - 3 * world.skewMs
  })
  for (const period of running) {
    if (reckoning.sum(period) <= (limitOf(manifest, period) ?? 0n)) since.set(period, manifest.version)
  }
}

function periodsOf(world: World): Period[] {
  const opened = world.machines.flatMap((machine) => [...machine.opened.keys()])
  const minted = world.signed.flatMap(({ manifest }) => manifest.mints.map(({ period }) => period))
  return [...new Set([...opened, ...minted])]
}

/** @returns the first period that may cost more than it may */
export function excess(world: World): string | undefined {
  for (const period of periodsOf(world)) {
    const opened = world.machines.reduce((sum, machine) => sum + (machine.opened.get(period) ?? 0n), 0n)
    const minted = mintsEver(world)
      .filter((mint) => mint.period === period)
      .reduce((sum, { amount }) => sum + amount, 0n)
    const since = lowest.get(world)?.get(period) ?? 0
    const limits = world.inForce.filter(({ version }) => version >= since)
    const most = limits.map((entry) => limitOf(entry, period) ?? 0n).reduce((a, b) => (a > b ? a : b), 0n)
    if (opened + minted > most) return `${period}: ${opened} opened and ${minted} minted, of ${most}`
  }
  return undefined
}

/** Of versions that somebody acknowledged, and of the owner's own chain. */
function mintsEver(world: World): Manifest['mints'] {
  const mints = world.signed.flatMap(({ manifest }) => manifest.mints)
  return [...new Map(mints.map((mint) => [mint.id, mint])).values()]
}
