import { type Budget, sumSlots } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import {
  type Account,
  accountKey,
  dayPeriod,
  type Manifest,
  monthPeriod,
  type OpenedManifest,
  openForkProof,
  openSlot,
  type Period,
  type Slot,
  slotKey,
} from '@bzzz/protocols'
import type { ClosedSlots } from './closed-slots.ts'
import { createHeardSlots } from './heard-slots.ts'
import { type PublishFact, publishSlots } from './publish.ts'

/**
 * The counter that every node can read: each account's signed sum of a period, kept in the DHT. It is read to be shown;
 * admission never asks it, since a DHT cannot add and what is found may be old.
 */
export interface SharedCounter {
  /** The mesh's total of a period as an interval, with the accounts of which no sum was found. Takes a few seconds at most. */
  total(period: Period, options: { signal: AbortSignal }): Promise<MeshTotal>
  /** A sum of another account that came by other ways than a search here. @throws {ProtocolError} for what no member signed */
  hear(slot: Uint8Array): void
  /** Publishes what is waiting, then stops. */
  close(): Promise<void>
}

export type MeshTotal = ReturnType<typeof sumSlots>

export type CounterFact =
  | PublishFact
  | { readonly type: 'slot-unreadable'; readonly period: Period; readonly account: Account; readonly error: unknown }

interface CounterOptions {
  readonly budget: Pick<Budget, 'account' | 'slots' | 'subscribe' | 'forkProofs'>
  readonly mesh: Pick<Mesh, 'subscribe' | 'putRecord' | 'getRecord'>
  /** The newest. */
  readonly manifest: () => OpenedManifest
  /** The last words of accounts that ended, over a restart. Without it, none is remembered. */
  readonly closed?: Pick<ClosedSlots, 'kept' | 'keep'>
  /** Wall clock, milliseconds. */
  readonly now: () => number
  /** How long a total waits for the DHT, for all accounts together. Tests make it short. */
  readonly lookMs?: number
  readonly observe?: (fact: CounterFact) => void
}

/** A search asks many nodes, and a sum is published no oftener than this. */
const LOOK_AGAIN_MS = 2_000
const LOOK_MS = 5_000
const MAX_SEARCHES = 8
// Accounts that are named nowhere but in other accounts' slots: each can name 256, and make them up.
const MAX_UNNAMED = 64
const LOOK_FOR_UNNAMED_AGAIN_MS = 30_000
const MAX_VERSIONS = 16
/** Periods that are asked about again and again, times accounts. */
const MAX_LOOKED = 4_096

export function openSharedCounter(options: CounterOptions): SharedCounter {
  const { budget, mesh, manifest, now, lookMs = LOOK_MS, observe } = options
  const own = accountKey(budget.account)
  const isNode = (peer: string): boolean =>
    manifest().manifest.members.some((member) => member.peer === peer && member.role === 'node')
  const heard = createHeardSlots(() => manifest().mesh, isNode)
  for (const bytes of options.closed?.kept() ?? []) heard.recall(bytes)
  const publishing = publishSlots({ budget, mesh, observe: (fact) => observe?.(fact) })
  const looked = new Map<string, { readonly atMs: number; readonly search: Promise<void> }>()
  /** Of this run: an account may have opened a period under one that is no longer the newest. */
  const versions = new Map<number, Manifest>()
  let forks = { proofs: 0, accounts: new Set<string>() }

  function newestVersion(): Manifest {
    const newest = manifest().manifest
    versions.set(newest.version, newest)
    const [oldest] = versions.keys()
    if (versions.size > MAX_VERSIONS && oldest !== undefined) versions.delete(oldest)
    return newest
  }

  /** Proofs only come to be more. */
  function forkedAccounts(): ReadonlySet<string> {
    const proofs = budget.forkProofs()
    if (proofs.length === forks.proofs) return forks.accounts
    const signers = proofs.map((proof) => openForkProof(proof, manifest().mesh).signer)
    const accounts = new Set(signers.flatMap((signer) => (signer === 'owner' ? [] : [accountKey(signer)])))
    forks = { proofs: proofs.length, accounts }
    return accounts
  }

  /** @throws {ProtocolError} */
  function hear(bytes: Uint8Array): void {
    const slot = heard.hear(bytes)
    options.closed?.keep(slot, bytes)
  }

  /** What is found is heard. Never rejects. */
  async function search(account: Account, period: Period, signal: AbortSignal): Promise<void> {
    const { mesh: meshId } = manifest()
    try {
      const bytes = await mesh.getRecord(slotKey(meshId, period, account), { signal })
      if (bytes !== undefined) hear(bytes)
    } catch (error) {
      observe?.({ type: 'slot-unreadable', period, account, error })
    }
  }

  /** Once for all who ask within a moment. */
  async function look(account: Account, period: Period, againMs: number, signal: AbortSignal): Promise<void> {
    const name = `${accountKey(account)} ${period}`
    const last = looked.get(name)
    const isKnown = heard.of(account, period) !== undefined
    const afterMs = isKnown ? LOOK_AGAIN_MS : againMs
    if (last !== undefined && Math.abs(now() - last.atMs) < afterMs) return await last.search
    if (looked.size >= MAX_LOOKED) looked.clear()
    const started = { atMs: now(), search: search(account, period, signal) }
    looked.set(name, started)
    await started.search
  }

  async function lookForAll(
    accounts: readonly Account[],
    period: Period,
    againMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const left = accounts.filter((account) => accountKey(account) !== own).values()
    const one = async (): Promise<void> => {
      for (const account of left) if (!signal.aborted) await look(account, period, againMs, signal)
    }
    await Promise.all(Array.from({ length: MAX_SEARCHES }, one))
  }

  async function ownSlot(period: Period): Promise<Slot | undefined> {
    try {
      const slot = (await budget.slots()).find((mine) => mine.period === period)
      return slot && openSlot(slot.bytes, manifest().mesh)
    } catch (error) {
      observe?.({ type: 'slot-unreadable', period, account: budget.account, error })
      return undefined
    }
  }

  /** Those of the named accounts, and of whom they say rights were given to, and so on. */
  async function slotsOf(period: Period, named: readonly Account[], signal: AbortSignal): Promise<Slot[]> {
    const mine = await ownSlot(period)
    const slotOf = (account: Account) => (accountKey(account) === own ? mine : heard.of(account, period))
    const seen = new Map(named.map((account) => [accountKey(account), account]))
    await lookForAll(named, period, LOOK_AGAIN_MS, signal)
    let next = named
    while (next.length > 0) {
      const receivers = next.flatMap((account) => slotOf(account)?.granted.map((grant) => grant.account) ?? [])
      const unseen = distinct(receivers.filter((account) => isNode(account.peer) && !seen.has(accountKey(account))))
      next = unseen.slice(0, named.length + MAX_UNNAMED - seen.size)
      for (const account of next) seen.set(accountKey(account), account)
      await lookForAll(next, period, LOOK_FOR_UNNAMED_AGAIN_MS, signal)
    }
    return [...seen.values()].flatMap((account) => slotOf(account) ?? [])
  }

  return {
    async total(period, { signal }) {
      const newest = newestVersion()
      const older = [...versions.values()].filter((version) => version !== newest)
      const named = distinct([newest, ...older].flatMap((version) => accountsIn(version)))
      const within = AbortSignal.any([signal, AbortSignal.timeout(lookMs)])
      const slots = await slotsOf(period, named, within)
      signal.throwIfAborted()
      const nowMs = now()
      const isRunning = period === dayPeriod(nowMs) || period === monthPeriod(nowMs)
      return sumSlots(newest, period, slots, {
        versions: older,
        forked: forkedAccounts(),
        // this ledger says so itself: it has not opened the period, and so charged nothing to it
        ...(isRunning ? { idle: { account: budget.account, wallMs: nowMs } } : {}),
      })
    },
    hear,
    close: () => publishing.close(),
  }
}

/** All that have, or may have had, rights of the manifest. */
function accountsIn({ allotments, mints, closed }: Manifest): Account[] {
  return [...allotments, ...mints, ...closed].map(({ account }) => account)
}

function distinct(accounts: readonly Account[]): Account[] {
  return [...new Map(accounts.map((account) => [accountKey(account), account])).values()]
}
