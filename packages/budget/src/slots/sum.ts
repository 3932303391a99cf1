import {
  type Account,
  accountKey,
  type Manifest,
  type NanoUsd,
  type Period,
  type Slot,
  type ThreadCap,
} from '@bzzz/protocols'
import { allottedAccounts, initialOf, isAttestedGone, isClosedFor, limitOf, mintedTo } from '../periods/rights.ts'
import { capAmount, shareOfCap } from '../shares.ts'
import { NO_USD } from '../usd.ts'

/** What the whole mesh charged to one period, as far as slots tell. */
export interface PeriodTotal {
  /** Settled and held in the slots that were found: at least so much, at their time. */
  readonly low: NanoUsd
  /**
   * At most so much, at their time: all that anybody may charge, less what the slots found prove not to be charged. While
   * one is missing, that all is the limit at least: it may have opened the period under a manifest that is not known here.
   */
  readonly high: NanoUsd
  readonly limit: NanoUsd
  /** What nobody can spend any more: see the accounts. */
  readonly lost: NanoUsd
  /** At most so much may still be charged, at the time of the slots; of an account without one, all that it was given. */
  readonly left: NanoUsd
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
  /** Rights that the manifest gives it in this period besides. */
  readonly minted: NanoUsd
  /** Rights that other accounts say they gave it. */
  readonly received: NanoUsd
  /** The part of `received` that its own slot says it has: the rest is on its way, or was taken since. */
  readonly credited: NanoUsd
  /** Rights that it says it gave to others. */
  readonly granted: NanoUsd
  readonly charged: NanoUsd
  /** Rights that nothing was charged to at the time of its slot. Of an account that is gone or in use twice: none. */
  readonly unspent: NanoUsd
  /** What ended with the account: it left, the owner attested that it is gone, or it is in use twice. */
  readonly lost: NanoUsd
  /** What it may still charge, with grants that are on their way to it; without a slot, at most. */
  readonly left: NanoUsd
  /** `gone`: attested by the owner without a last word of its own. Null when no slot was found. */
  readonly state: Slot['state'] | 'gone' | null
  /** Null when no slot was found. */
  readonly wallMs: number | null
}

export interface SumOptions {
  /** Of a thread's period: the cap of its first entry. */
  readonly cap?: ThreadCap | undefined
  /** Versions besides the newest under which an account may have opened the period. */
  readonly versions?: readonly Manifest[]
  /** Accounts ({@link accountKey}) that are proven to be in use twice. */
  readonly forked?: ReadonlySet<string>
  /** An account that is known to have opened nothing in this period until then, as long as none of its slots is there. */
  readonly idle?: { readonly account: Account; readonly wallMs: number }
}

/**
 * Adds up one period. Of several slots of an account the newest counts; slots of other periods, and of accounts that
 * have no rights in this one, of their own or by a grant, are passed over.
 * @param manifest the newest
 * @param slots opened ones, signatures checked
 */
export function sumSlots(
  manifest: Manifest,
  period: Period,
  slots: readonly Slot[],
  { cap, versions = [], forked = new Set(), idle }: SumOptions = {},
): PeriodTotal {
  const newest = newestByAccount(slots.filter((slot) => slot.period === period))
  const believed = [manifest, ...versions]
  const named =
    cap === undefined
      ? believed.flatMap((version) => allottedAccounts(version, period))
      : cap.shares.map(({ account }) => account)
  // What the owner attests to be gone before this period has no part in it, and a slot only if that was not so.
  const alive = named.filter((one) => newest.has(accountKey(one)) || !isClosedFor(manifest, one, period))
  const accounts = withReceivers(alive, newest)
  const counted = accounts.flatMap((account) => newest.get(accountKey(account)) ?? [])
  const byAccount = accounts.map((account): AccountTotal => {
    const slot = newest.get(accountKey(account))
    const initial =
      slot?.initial ??
      (cap === undefined
        ? largest(believed.map((version) => initialOf(version, account, period)))
        : shareOfCap(cap, account))
    const minted = largest(believed.map((version) => mintedTo(version, account, period)))
    const moved = { ...receivedBy(account, slot, counted), granted: grantedBy(slot), charged: chargedBy(slot) }
    const isGone = isAttestedGone(manifest, account) && slot?.state !== 'closed'
    const isIdle = slot === undefined && idle !== undefined && accountKey(idle.account) === accountKey(account)
    const state = isGone && (isIdle || slot !== undefined) ? 'gone' : isIdle ? 'open' : (slot?.state ?? null)
    const isSpent = state === null || state === 'gone' || state === 'frozen' || forked.has(accountKey(account))
    const unspent = isSpent ? NO_USD : aboveZero(initial + minted + moved.credited - moved.granted - moved.charged)
    const isEnded = isGone || slot?.state === 'closed' || slot?.state === 'frozen' || forked.has(accountKey(account))
    const rest = aboveZero(initial + minted + moved.received - moved.granted - moved.charged)
    const [lost, left] = isEnded ? [rest, NO_USD] : [NO_USD, rest]
    const wallMs = isIdle ? idle.wallMs : (slot?.wallMs ?? null)
    return { account, initial, minted, ...moved, unspent, lost, left, state, wallMs }
  })
  const limit = (cap === undefined ? limitOf(manifest, period) : capAmount(cap.amount)) ?? NO_USD
  const missing = byAccount.filter(({ wallMs }) => wallMs === null)
  const low = sum(byAccount.map((total) => total.charged))
  const rights = sum(byAccount.flatMap(({ initial, minted }) => [initial, minted]))
  const all = missing.length === 0 || cap !== undefined ? rights : largest([limit, rights])
  return {
    low,
    high: largest([low, aboveZero(all - sum(byAccount.map((total) => total.unspent)))]),
    limit,
    lost: sum(byAccount.map((total) => total.lost)),
    left: sum(byAccount.map((total) => total.left)),
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

/** A slot names a grant by its hash alone; how much it was, its donor's slot says, while it names the same one. */
function receivedBy(
  account: Account,
  slot: Slot | undefined,
  slots: readonly Slot[],
): Pick<AccountTotal, 'received' | 'credited'> {
  const name = accountKey(account)
  const grants = slots.flatMap(({ granted }) => granted.filter((grant) => accountKey(grant.account) === name))
  const taken = new Set(slot?.received.map(hex))
  const booked = grants.filter(({ grant }) => taken.has(hex(grant)))
  return { received: sum(grants.map(amountOf)), credited: sum(booked.map(amountOf)) }
}

function grantedBy(slot: Slot | undefined): NanoUsd {
  return sum(slot?.granted.map(amountOf) ?? [])
}

function amountOf({ cumulative }: Slot['granted'][number]): NanoUsd {
  return cumulative
}

function newestByAccount(slots: readonly Slot[]): Map<string, Slot> {
  const ascending = slots.toSorted((a, b) => a.seq - b.seq)
  return new Map(ascending.map((slot) => [accountKey(slot.account), slot]))
}

/** Another node's word: its counters are believed to make sense only as far as the arithmetic goes. */
function chargedBy(slot: Slot | undefined): NanoUsd {
  return slot === undefined ? NO_USD : aboveZero(slot.reserved - slot.released + slot.overrun)
}

function aboveZero(amount: bigint): NanoUsd {
  return amount > 0n ? (amount as NanoUsd) : NO_USD
}

function largest(amounts: readonly NanoUsd[]): NanoUsd {
  return amounts.reduce((most, amount) => (amount > most ? amount : most), NO_USD)
}

function sum(amounts: readonly NanoUsd[]): NanoUsd {
  return amounts.reduce((total, amount) => total + amount, 0n) as NanoUsd
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
