import { type Account, accountKey, type Period, parsePeriod } from '@bzzz/protocols'

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
  /**
   * Looks at an account from the moment at which the two part.
   * @param unspent rights of each open period then: both have them
   * @param where whether both are of one machine, whose agents spend twice then
   */
  begin(account: Account, unspent: ReadonlyMap<Period, bigint>, where: 'one-machine' | 'two-machines'): void
  /** The second one goes on. */
  part(account: Account): void
  of(account: Account): Double | undefined
  /** So much more than its limit may be billed in a period. */
  extra(period: Period): bigint
  /** The mesh's owner has been told that it is gone, and gave what it would have opened to others. */
  attested(isClosed: (account: Account, period: Period) => boolean): void
}

interface Known {
  readonly account: Account
  readonly unspent: ReadonlyMap<Period, bigint>
  readonly where: 'one-machine' | 'two-machines'
  hasParted: boolean
  readonly opened: Sums
  readonly minted: Sums
  readonly credited: Sums
}

/** By period and what it is about, then by ledger. */
type Sums = Map<Period, Map<string, Map<string, bigint>>>

export function createDoubles(): Doubles {
  const known = new Map<string, Known>()
  let isClosed: (account: Account, period: Period) => boolean = () => false

  function extraOf({ account, unspent, where, hasParted, opened, minted, credited }: Known, period: Period): bigint {
    const isOfTwo = where === 'two-machines' && parsePeriod(period)?.kind === 'agent-day'
    if (!hasParted || isOfTwo) return 0n
    // The owner counts one opening of the two, and none of an account that is closed.
    const openings = [...(opened.get(period)?.get('')?.values() ?? [])]
    const counted = openings.length === 0 || isClosed(account, period) ? 0n : openings.reduce((a, b) => (a < b ? a : b))
    const twice = openings.reduce((sum, one) => sum + one, 0n) - counted
    return (unspent.get(period) ?? 0n) + twice + beyondOne(minted, period) + beyondOne(credited, period)
  }

  return {
    begin(account, unspent, where) {
      const sums = { opened: new Map(), minted: new Map(), credited: new Map() }
      known.set(accountKey(account), { account, unspent, where, hasParted: false, ...sums })
    },
    part(account) {
      const one = known.get(accountKey(account))
      if (one !== undefined) one.hasParted = true
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
