import { type Account, accountKey, type Dimension, type Manifest, type NanoUsd, type Period } from '@bzzz/protocols'
import { initialOf } from '../periods/rights.ts'
import { splitByWeight } from '../shares.ts'
import { NO_USD, nanoUsdOf } from '../usd.ts'
import type { SignerBook } from './book.ts'
import { firstOpen, firstUnopened, type Reckoning, reckon, type SigningRules } from './reckoning.ts'

type Allotments = Manifest['allotments']

export interface Allotting {
  readonly rules: SigningRules
  readonly book: SignerBook
  readonly newest: Manifest
  readonly nowMs: number
}

/**
 * Moves the allotments of a version in the making towards `limit × weight / Σ weights`, from the first period that no clock can have
 * opened: what shrinks at once, what grows only into what acks have confirmed to be free.
 * @returns those it had, when nothing moves
 */
export function allotted(next: Manifest, at: Allotting): Allotments {
  return (['day', 'month'] as const).reduce((allotments, dimension) => {
    const moved = allottedIn(dimension, { ...next, allotments }, at)
    return moved ?? allotments
  }, next.allotments)
}

interface Part {
  readonly account: Account
  readonly current: NanoUsd
  readonly target: NanoUsd
}

function allottedIn(dimension: Dimension, next: Manifest, at: Allotting): Allotments | undefined {
  const from = movesFrom(dimension, next, at.nowMs)
  const parts = partsOf(next, from, lowestLimit(next, from, at))
  const shrunk = parts.map(({ account, current, target }) => ({ account, amount: target < current ? target : current }))
  const lower = withEntries(next, dimension, from, shrunk)
  const { rules, book, newest } = at
  const grown = grow(parts, from, reckon(rules, book, newest, { ...next, allotments: lower }))
  if (parts.every(({ current }, index) => grown[index]?.amount === current)) return undefined
  return withEntries(
    { ...next, allotments: pruned(next.allotments, firstOpen(dimension, next, at.nowMs)) },
    dimension,
    from,
    grown,
  )
}

/** Entries of an earlier signing that begin later come first: the owner's clock was set back since. */
function movesFrom(dimension: Dimension, next: Manifest, nowMs: number): Period {
  const starts = next.allotments.filter(({ dim }) => dim === dimension).map(({ from }) => from)
  return [firstUnopened(dimension, next, nowMs), ...starts].reduce((latest, from) => (from > latest ? from : latest))
}

function lowestLimit(next: Manifest, from: Period, { rules, book, newest }: Allotting): NanoUsd {
  const { limit, periods } = reckon(rules, book, newest, next)
  return nanoUsdOf(
    periods(from)
      .map(limit)
      .reduce((least, amount) => (amount < least ? amount : least)),
  )
}

/** Whoever has a weight, and whoever has something and is to have nothing. */
function partsOf({ weights, allotments }: Manifest, from: Period, limit: NanoUsd): Part[] {
  const shares = splitByWeight(
    limit,
    weights.map(({ weight }) => weight),
  )
  const targets = new Map(weights.map(({ account }, index) => [accountKey(account), shares[index] ?? NO_USD]))
  const accounts = [...weights, ...allotments].map(({ account }) => [accountKey(account), account] as const)
  return [...new Map(accounts)].map(([name, account]) => {
    return { account, current: initialOf({ allotments }, account, from), target: targets.get(name) ?? NO_USD }
  })
}

interface Amount {
  readonly account: Account
  readonly amount: NanoUsd
}

// Fewer steps than this of what is still to be moved are not worth a version that every account acknowledges.
const LEAST_STEP = 4n

/** @param lower how things stand once all that shrinks has shrunk */
function grow(parts: readonly Part[], from: Period, lower: Reckoning): Amount[] {
  const periods = lower.periods(from)
  const slack = least(periods.map((period) => lower.limit(period) - lower.sum(period)))
  const floors = parts.map(({ account, current, target }) => {
    // Up to what it is believed to open anyway, it costs nothing.
    const believed = least(periods.map((period) => lower.believed(account, period)))
    return smaller(target, current > believed ? current : believed)
  })
  const lacks = parts.map(({ target }, index) => target - (floors[index] ?? 0n))
  const lacking = lacks.reduce((sum, lack) => sum + lack, 0n)
  const given = slack >= lacking ? lacking : slack * LEAST_STEP >= lacking ? slack : 0n
  return parts.map(({ account }, index) => {
    const more = lacking === 0n ? 0n : ((lacks[index] ?? 0n) * given) / lacking
    return { account, amount: nanoUsdOf((floors[index] ?? 0n) + more) }
  })
}

function withEntries(
  { allotments }: Pick<Manifest, 'allotments'>,
  dim: Dimension,
  from: Period,
  amounts: readonly Amount[],
): Allotments {
  const others = allotments.filter((entry) => entry.dim !== dim || entry.from !== from)
  const news = amounts.filter(({ account, amount }) => initialOf({ allotments: others }, account, from) !== amount)
  return [...others, ...news.map(({ account, amount }) => ({ account, dim, from, amount }))]
}

/** Without entries that no period from the first open one on is opened by. */
function pruned(allotments: Allotments, first: Period): Allotments {
  return allotments.filter((entry) => {
    if (entry.from > first || !first.startsWith(entry.from.slice(0, 2))) return true
    if (entry.amount === 0n) return false
    const isSame = (one: Allotments[number]): boolean =>
      one.dim === entry.dim && accountKey(one.account) === accountKey(entry.account)
    return !allotments.some((one) => isSame(one) && one.from > entry.from && one.from <= first)
  })
}

function least(amounts: readonly bigint[]): bigint {
  return amounts.reduce((lowest, amount) => smaller(lowest, amount), amounts[0] ?? 0n)
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
