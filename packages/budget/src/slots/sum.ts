import {
  type Account,
  accountKey,
  type Manifest,
  type NanoUsd,
  type Period,
  type Slot,
  type ThreadCap,
} from '@bzzz/protocols'
import { allottedAccounts, allottedTo, limitOf } from '../periods/rights.ts'
import { capAmount, shareOfCap } from '../shares.ts'
import { NO_USD } from '../usd.ts'

/** What the whole mesh charged to one period, as far as slots tell. */
export interface PeriodTotal {
  /** Settled and held in the slots that were found: at least so much, at their time. */
  readonly low: NanoUsd
  /**
   * At most so much, at their time: an account without a slot counts as if all its rights were used up, those too that the
   * slots found say it was given.
   */
  readonly high: NanoUsd
  readonly limit: NanoUsd
  /** Slots that were counted. */
  readonly found: number
  /** Accounts with rights, of the manifest or of grants, and without a slot. */
  readonly missing: readonly Account[]
  /** Clock of the node whose slot is the oldest; null without any. */
  readonly oldestMs: number | null
  readonly byAccount: readonly AccountTotal[]
}

export interface AccountTotal {
  readonly account: Account
  /** What the manifest gives it, or the cap; what it opened the period with, when its slot was found. */
  readonly initial: NanoUsd
  /** Rights that other accounts say they gave it. */
  readonly received: NanoUsd
  /** Rights that it says it gave to others. */
  readonly granted: NanoUsd
  readonly charged: NanoUsd
  /** Null when no slot was found. */
  readonly wallMs: number | null
}

/**
 * Adds up one period. Of several slots of an account the newest counts; slots of other periods, and of accounts that
 * have no rights in this one, of their own or by a grant, are passed over.
 * @param slots opened ones, signatures checked
 * @param cap for a thread's period: the cap of its first entry
 */
export function sumSlots(manifest: Manifest, period: Period, slots: readonly Slot[], cap?: ThreadCap): PeriodTotal {
  const newest = newestByAccount(slots.filter((slot) => slot.period === period))
  const named = cap === undefined ? allottedAccounts(manifest, period) : cap.shares.map(({ account }) => account)
  const accounts = withReceivers(named, newest)
  const counted = accounts.flatMap((account) => newest.get(accountKey(account)) ?? [])
  const byAccount = accounts.map((account): AccountTotal => {
    const slot = newest.get(accountKey(account))
    const received = receivedBy(account, counted)
    const initial = cap === undefined ? allottedTo(manifest, account, period) : shareOfCap(cap, account)
    if (slot === undefined) return { account, initial, received, granted: NO_USD, charged: NO_USD, wallMs: null }
    const granted = sum(slot.granted.map(({ cumulative }) => cumulative))
    return { account, initial: slot.initial, received, granted, charged: chargedBy(slot), wallMs: slot.wallMs }
  })
  const missing = byAccount.filter(({ wallMs }) => wallMs === null)
  const low = sum(byAccount.map((total) => total.charged))
  return {
    low,
    high: sum([low, ...missing.flatMap(({ initial, received }) => [initial, received])]),
    limit: (cap === undefined ? limitOf(manifest, period) : capAmount(cap.amount)) ?? NO_USD,
    found: counted.length,
    missing: missing.map(({ account }) => account),
    oldestMs: counted.length === 0 ? null : Math.min(...counted.map(({ wallMs }) => wallMs)),
    byAccount,
  }
}

/** Those, and whom their slots say rights were given to, directly or on the way. */
function withReceivers(named: readonly Account[], slots: ReadonlyMap<string, Slot>): Account[] {
  const accounts = new Map(named.map((account) => [accountKey(account), account]))
  // A map hands out what is added while it is walked.
  for (const name of accounts.keys()) {
    for (const { account } of slots.get(name)?.granted ?? []) {
      if (!accounts.has(accountKey(account))) accounts.set(accountKey(account), account)
    }
  }
  return [...accounts.values()]
}

function receivedBy(account: Account, slots: readonly Slot[]): NanoUsd {
  const name = accountKey(account)
  const grants = slots.flatMap(({ granted }) => granted.filter((grant) => accountKey(grant.account) === name))
  return sum(grants.map(({ cumulative }) => cumulative))
}

function newestByAccount(slots: readonly Slot[]): Map<string, Slot> {
  const ascending = slots.toSorted((a, b) => a.seq - b.seq)
  return new Map(ascending.map((slot) => [accountKey(slot.account), slot]))
}

/** Another node's word: its counters are believed to make sense only as far as the arithmetic goes. */
function chargedBy({ reserved, released, overrun }: Slot): NanoUsd {
  const charged = reserved - released + overrun
  return charged > 0n ? (charged as NanoUsd) : NO_USD
}

function sum(amounts: readonly NanoUsd[]): NanoUsd {
  return amounts.reduce((total, amount) => total + amount, 0n) as NanoUsd
}
