import {
  type Account,
  type Ack,
  accountKey,
  type Dimension,
  type Manifest,
  type NanoUsd,
  type Period,
} from '@bzzz/protocols'
import { periodAfter, periodAt } from '../periods/charged.ts'
import { isClosedFor, limitOf } from '../periods/rights.ts'
import { NO_USD } from '../usd.ts'
import { accountsIn, allVersions, type SignerBook } from './book.ts'

export type Mint = Manifest['mints'][number]

/** What a signer reckons with. A test puts others in their place, to see that it is noticed. */
export interface SigningRules {
  /**
   * What an account has opened a period with, or still may.
   * @param told by its newest ack @param since what each version gives it from the acknowledged one on, or all, ascending
   */
  mayOpenWith(told: NanoUsd | undefined, since: readonly NanoUsd[]): bigint
  /** Mints that count. @param ofVersions of each version, ascending */
  mintsCounted(ofVersions: ReadonlyArray<readonly Mint[]>): readonly Mint[]
  /** Those of the newest version that the next one lists too. */
  mintsListed(mints: readonly Mint[], isOver: (mint: Mint) => boolean): readonly Mint[]
}

export const SIGNING_RULES: SigningRules = {
  mayOpenWith: (told, since) => told ?? since.reduce<bigint>((most, amount) => (amount > most ? amount : most), 0n),
  mintsCounted: (ofVersions) => ofVersions.flat(),
  mintsListed: (mints, isOver) => mints.filter((mint) => !isOver(mint)),
}

/** What may have been opened, and may be yet, when the newest version is `newest`. */
export interface Reckoning {
  readonly accounts: readonly Account[]
  believed(account: Account, period: Period): bigint
  mints(period: Period): readonly Mint[]
  /** Of all accounts, and all mints. */
  sum(period: Period): bigint
  limit(period: Period): bigint
  /** One of each run of periods in which nothing above differs, from `first` on, ascending. */
  periods(first: Period): readonly Period[]
}

/** @param next in the making; without it, as things stand */
export function reckon(rules: SigningRules, book: SignerBook, newest: Manifest, next?: Manifest): Reckoning {
  const versions = [...allVersions(book), ...(next === undefined ? [] : [next])]
  const last = next ?? newest
  const accounts = accountsIn(book, next === undefined ? [] : [next])
  const mints = distinct(rules.mintsCounted(versions.map((version) => version.mints)))

  function believed(account: Account, period: Period): bigint {
    if (isClosedFor(last, account, period)) return 0n
    const name = accountKey(account)
    const ack = book.acks.get(name)
    const told = ack?.opened.find((entry) => entry.period === period)?.initial
    const since = versions.filter(({ version }) => version >= (ack?.version ?? 0))
    return rules.mayOpenWith(told, told === undefined ? since.map((one) => allottedBy(one, name, period)) : [])
  }

  const mintsIn = (period: Period): Mint[] => mints.filter((mint) => mint.period === period)
  return {
    accounts,
    believed,
    mints: mintsIn,
    sum: (period) => {
      const minted = mintsIn(period).reduce((total, { amount }) => total + amount, 0n)
      return accounts.reduce((total, account) => total + believed(account, period), minted)
    },
    limit: (period) => limitOf(last, period) ?? 0n,
    periods: (first) => breakpoints(first, versions, mints, [...book.acks.values()]),
  }
}

function distinct(mints: readonly Mint[]): Mint[] {
  const named = mints.map(
    (mint) => [`${mint.id} ${accountKey(mint.account)} ${mint.period} ${mint.amount}`, mint] as const,
  )
  return [...new Map(named).values()]
}

/** The first day or month that no clock of the mesh can have opened. */
export function firstUnopened(dimension: Dimension, { clockSkewMs }: Manifest, nowMs: number): Period {
  return periodAfter(periodAt(dimension, nowMs + 3 * clockSkewMs))
}

/** The first one that some clock of the mesh may still open. */
export function firstOpen(dimension: Dimension, { clockSkewMs }: Manifest, nowMs: number): Period {
  return periodAt(dimension, nowMs - 3 * clockSkewMs)
}

function breakpoints(
  first: Period,
  versions: readonly Manifest[],
  mints: readonly Mint[],
  acks: readonly Ack[],
): Period[] {
  const kind = first.slice(0, 2)
  const starts = versions.flatMap(({ limits, allotments, closed }) => [
    ...[...limits, ...allotments].map(({ from }) => from),
    ...closed.flatMap(({ fromDay, fromMonth }) => [fromDay, fromMonth]),
  ])
  const alone = [...mints, ...acks.flatMap(({ opened }) => opened)].map(({ period }) => period)
  const edges = [...starts, ...alone.flatMap((period) => [period, periodAfter(period)])]
  return [...new Set([first, ...edges])].filter((period) => period.startsWith(kind) && period >= first).sort()
}

type Entry = Manifest['allotments'][number]
// A version is asked about every account and period again and again.
const indexed = new WeakMap<Manifest['allotments'], ReadonlyMap<string, readonly Entry[]>>()

function allottedBy({ allotments }: Manifest, name: string, period: Period): NanoUsd {
  const known = indexed.get(allotments)
  const index = known ?? Map.groupBy(allotments, ({ account }) => accountKey(account))
  if (known === undefined) indexed.set(allotments, index)
  const kind = period.slice(0, 2)
  let newest: Entry | undefined
  for (const entry of index.get(name) ?? []) {
    const counts = entry.from.startsWith(kind) && entry.from <= period
    if (counts && (newest === undefined || entry.from > newest.from)) newest = entry
  }
  return newest?.amount ?? NO_USD
}
