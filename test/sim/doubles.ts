import { type Account, accountKey, type Period } from '@bzzz/protocols'

/** An account that two ledgers go on with: a copy of a machine runs, or a machine was put back with its mark. */
export interface Double {
  /** What one of the two has done since they parted. @param ledger a name for which of them */
  opened(ledger: string, period: Period, amount: bigint): void
  minted(ledger: string, period: Period, amount: bigint): void
  /** @param from the donor, and the opening that was given to */
  credited(ledger: string, period: Period, from: string, amount: bigint): void
}

/** What the design grants to accounts in use twice, and to nobody else: told apart from what is billed over a limit. */
export interface Doubles {
  /** @param unspent rights of each open period when the two parted: both have them */
  begin(account: Account, unspent: ReadonlyMap<Period, bigint>): void
  of(account: Account): Double | undefined
  /** So much more than its limit may be billed in a period. */
  extra(period: Period): bigint
  /** The mesh's owner has been told that it is gone, and gave what it would have opened to others. */
  attested(isClosed: (account: Account, period: Period) => boolean): void
}

interface Known {
  readonly account: Account
  readonly unspent: ReadonlyMap<Period, bigint>
  readonly opened: Sums
  readonly minted: Sums
  readonly credited: Sums
}

/** By period and what it is about, then by ledger. */
type Sums = Map<Period, Map<string, Map<string, bigint>>>

export function createDoubles(): Doubles {
  const known = new Map<string, Known>()
  let isClosed: (account: Account, period: Period) => boolean = () => false

  function extraOf({ account, unspent, opened, minted, credited }: Known, period: Period): bigint {
    // The owner counts one opening of the two, and none of an account that is closed.
    const openings = [...(opened.get(period)?.get('')?.values() ?? [])]
    const counted = openings.length === 0 || isClosed(account, period) ? 0n : openings.reduce((a, b) => (a < b ? a : b))
    const twice = openings.reduce((sum, one) => sum + one, 0n) - counted
    return (unspent.get(period) ?? 0n) + twice + beyondOne(minted, period) + beyondOne(credited, period)
  }

  return {
    begin(account, unspent) {
      const sums = { opened: new Map(), minted: new Map(), credited: new Map() }
      known.set(accountKey(account), { account, unspent, ...sums })
    },
    of(account) {
      const one = known.get(accountKey(account))
      return (
        one && {
          opened: (ledger, period, amount) => put(one.opened, period, '', ledger, amount),
          minted: (ledger, period, amount) => put(one.minted, period, '', ledger, amount),
          credited: (ledger, period, from, amount) => put(one.credited, period, from, ledger, amount),
        }
      )
    },
    extra: (period) => [...known.values()].reduce((sum, one) => sum + extraOf(one, period), 0n),
    attested(closed) {
      isClosed = closed
    },
  }
}

function put(sums: Sums, period: Period, about: string, ledger: string, amount: bigint): void {
  const ofPeriod = sums.get(period) ?? new Map<string, Map<string, bigint>>()
  const byLedger = ofPeriod.get(about) ?? new Map<string, bigint>()
  sums.set(period, ofPeriod.set(about, byLedger.set(ledger, (byLedger.get(ledger) ?? 0n) + amount)))
}

/** The same rights, had by more than one. */
function beyondOne(sums: Sums, period: Period): bigint {
  return [...(sums.get(period)?.values() ?? [])].reduce((total, byLedger) => {
    const amounts = [...byLedger.values()]
    const most = amounts.reduce((a, b) => (a > b ? a : b), 0n)
    return total + amounts.reduce((sum, one) => sum + one, 0n) - most
  }, 0n)
}
