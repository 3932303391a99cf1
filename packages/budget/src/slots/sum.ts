import {
  type Account,
  accountKey,
  type Manifest,
  type NanoUsd,
  type Period,
  type Slot,
  type ThreadCap,
} from '@bzzz/protocols'
import { allottedAccounts, initialOf, limitOf } from '../periods/rights.ts'
import { capAmount, shareOfCap } from '../shares.ts'
import { NO_USD } from '../usd.ts'

/** What the whole mesh charged to one period, as far as slots tell. */
export interface PeriodTotal {
  /** Settled and held in the slots that were found: at least so much, at their time. */
  readonly low: NanoUsd
  /** At most so much, at their time: an account without a slot counts as if all its rights were used up. */
  readonly high: NanoUsd
  readonly limit: NanoUsd
  /** Slots that were counted. */
  readonly found: number
  /** Accounts with rights and without a slot. */
  readonly missing: readonly Account[]
  /** Clock of the node whose slot is the oldest; null without any. */
  readonly oldestMs: number | null
  readonly byAccount: readonly AccountTotal[]
}

export interface AccountTotal {
  readonly account: Account
  readonly initial: NanoUsd
  readonly charged: NanoUsd
  /** Null when no slot was found. */
  readonly wallMs: number | null
}

/**
 * Adds up one period. Of several slots of an account the newest counts; slots of other periods, and of accounts that
 * have no rights in this one, are passed over.
 * @param slots opened ones, signatures checked
 * @param cap for a thread's period: the cap of its first entry
 */
export function sumSlots(manifest: Manifest, period: Period, slots: readonly Slot[], cap?: ThreadCap): PeriodTotal {
  const accounts = cap === undefined ? allottedAccounts(manifest, period) : cap.shares.map(({ account }) => account)
  const newest = newestByAccount(slots.filter((slot) => slot.period === period))
  const byAccount = accounts.map((account): AccountTotal => {
    const slot = newest.get(accountKey(account))
    const initial = cap === undefined ? initialOf(manifest, account, period) : shareOfCap(cap, account)
    if (slot === undefined) return { account, initial, charged: NO_USD, wallMs: null }
    return { account, initial: slot.initial, charged: chargedBy(slot), wallMs: slot.wallMs }
  })
  const found = byAccount.filter(({ wallMs }) => wallMs !== null)
  const missing = byAccount.filter(({ wallMs }) => wallMs === null)
  const low = sum(found.map((total) => total.charged))
  const times = found.flatMap(({ wallMs }) => wallMs ?? [])
  return {
    low,
    high: sum([low, ...missing.map((total) => total.initial)]),
    limit: (cap === undefined ? limitOf(manifest, period) : capAmount(cap.amount)) ?? NO_USD,
    found: found.length,
    missing: missing.map(({ account }) => account),
    oldestMs: times.length === 0 ? null : Math.min(...times),
    byAccount,
  }
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
