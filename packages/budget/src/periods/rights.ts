import {
  type Account,
  accountKey,
  type Dimension,
  type Manifest,
  type NanoUsd,
  type Period,
  parsePeriod,
} from '@bzzz/protocols'
import { NO_USD, nanoUsdOf } from '../usd.ts'

/** The mesh's limit for a day or month; undefined for other periods, and where the manifest sets none. */
export function limitOf(manifest: Pick<Manifest, 'limits'>, period: Period): NanoUsd | undefined {
  return inForce(manifest.limits, period)?.amount
}

/** Rights with which an account opens a day or month under this manifest. */
export function initialOf(manifest: Pick<Manifest, 'allotments'>, account: Account, period: Period): NanoUsd {
  const own = manifest.allotments.filter((allotment) => isSame(allotment.account, account))
  return inForce(own, period)?.amount ?? NO_USD
}

/** Rights that the manifest gives an account in one day or month besides, each with its id. */
export function mintsOf(manifest: Manifest, account: Account, period: Period): Manifest['mints'] {
  if (manifest.mints.length === 0 || limitOf(manifest, period) === undefined) return []
  return manifest.mints.filter((mint) => mint.period === period && isSame(mint.account, account))
}

/** Whether the owner has attested that an account is gone, from whichever period on. */
export function isAttestedGone(manifest: Manifest, account: Account): boolean {
  return manifest.closed.some((closed) => isSame(closed.account, account))
}

/** Whether the rights of an account that is gone are no longer its own in this period. */
export function isClosedFor(manifest: Manifest, account: Account, period: Period): boolean {
  const kind = parsePeriod(period)?.kind
  return manifest.closed.some((closed) => {
    if (!isSame(closed.account, account)) return false
    if (kind === 'day') return closed.fromDay <= period
    return kind === 'month' ? closed.fromMonth <= period : true
  })
}

/** `none` when the manifest names no allotment for the account: a new ledger, or a machine that was not planned for. */
export function rightsOf(manifest: Manifest, account: Account): 'allotted' | 'none' {
  return manifest.allotments.some((allotment) => isSame(allotment.account, account)) ? 'allotted' : 'none'
}

/** Whether a machine is its whole mesh. */
export function isAlone({ members }: Pick<Manifest, 'members'>): boolean {
  return members.filter(({ role }) => role === 'node').length === 1
}

/** Accounts that have rights in a day or month. */
export function allottedAccounts(manifest: Manifest, period: Period): Account[] {
  const entries = [...manifest.allotments, ...manifest.mints.filter((mint) => mint.period === period)]
  const named = new Map(entries.map(({ account }) => [accountKey(account), account]))
  return [...named.values()].filter((account) => allottedTo(manifest, account, period) > 0n)
}

/** What the manifest alone gives to an account in a period. */
export function allottedTo(manifest: Manifest, account: Account, period: Period): NanoUsd {
  return nanoUsdOf(initialOf(manifest, account, period) + mintedTo(manifest, account, period))
}

export function mintedTo(manifest: Manifest, account: Account, period: Period): NanoUsd {
  return nanoUsdOf(mintsOf(manifest, account, period).reduce((sum, { amount }) => sum + amount, 0n))
}

function isSame(one: Account, other: Account): boolean {
  return one.incarnation === other.incarnation && one.peer === other.peer
}

interface Dated {
  readonly dim: Dimension
  readonly from: Period
  readonly amount: NanoUsd
}

/** The entry with the newest start that is not after the period. Labels of one dimension sort by time. */
function inForce<T extends Dated>(entries: readonly T[], period: Period): T | undefined {
  const dimension = parsePeriod(period)?.kind
  const started = entries.filter((entry) => entry.dim === dimension && entry.from <= period)
  return started.reduce<T | undefined>(
    (best, entry) => (best === undefined || entry.from > best.from ? entry : best),
    undefined,
  )
}
