import { type Account, accountKey, type Manifest, type Period } from '@bzzz/protocols'
import type { Clockwork } from './clockwork.ts'

/** What may be billed in a day or month, as the user was told. */
export interface Limits {
  of(period: Period): bigint
}

/** The same from beginning to end. */
export function fixedLimits({ day, month }: { readonly day: bigint; readonly month: bigint }): Limits {
  return { of: (period) => (period.startsWith('d:') ? day : month) }
}

export interface ChangingLimits extends Limits {
  /** A new version has left its owner. */
  signed(manifest: Manifest): void
  /** The owner knows that an account goes by this version. */
  acknowledged(account: Account, version: number): void
}

/** Clocks are off by one skew, the owner's too, and charge one around them; and a little more. */
const EARLY_SKEWS = 4.5

/**
 * A limit that is raised holds at once. A lower one holds for a period once every account had acknowledged it before any clock
 * could be there; until then what was promised is the highest that some account may still go by.
 */
export function changingLimits(clockwork: Clockwork, first: Manifest, periods: readonly Period[]): ChangingLimits {
  const versions = [first]
  const acks = new Map<string, number>()
  const floors = new Map<Period, number>()
  for (const period of periods) {
    clockwork.at(startOf(period) - EARLY_SKEWS * first.clockSkewMs, () => floors.set(period, oldestFor(period)))
  }

  function oldestFor(period: Period): number {
    const newest = versions.at(-1) ?? first
    const accounts = new Map(
      versions.flatMap(({ weights, allotments }) => {
        return [...weights, ...allotments].map(({ account }) => [accountKey(account), account] as const)
      }),
    )
    const living = [...accounts.values()].filter((account) => !isClosed(newest, account, period))
    return Math.min(newest.version, ...living.map((account) => acks.get(accountKey(account)) ?? firstNaming(account)))
  }

  function firstNaming(account: Account): number {
    const names = ({ weights }: Manifest): boolean =>
      weights.some((entry) => accountKey(entry.account) === accountKey(account))
    return versions.find(names)?.version ?? first.version
  }

  return {
    signed: (manifest) => void versions.push(manifest),
    acknowledged(account, version) {
      acks.set(accountKey(account), Math.max(version, acks.get(accountKey(account)) ?? 0))
    },
    of(period) {
      const floor = floors.get(period) ?? oldestFor(period)
      const live = versions.filter(({ version }) => version >= floor)
      return live.reduce((most, manifest) => {
        const limit = limitIn(manifest, period)
        return limit > most ? limit : most
      }, 0n)
    },
  }
}

function startOf(period: Period): number {
  const label = period.slice('d:'.length)
  return Date.parse(label.length === 7 ? `${label}-01` : label)
}

/** Whether what an account has of a day or month is attested to be free. */
export function isClosed({ closed }: Manifest, account: Account, period: Period): boolean {
  return closed.some((entry) => {
    if (accountKey(entry.account) !== accountKey(account)) return false
    return (period.startsWith('d:') ? entry.fromDay : entry.fromMonth) <= period
  })
}

function limitIn({ limits }: Manifest, period: Period): bigint {
  const started = limits.filter(({ from }) => from.slice(0, 2) === period.slice(0, 2) && from <= period)
  return started.reduce(
    (best, entry) => (entry.from > best.from ? entry : best),
    started[0] ?? { from: '', amount: 0n },
  ).amount
}
