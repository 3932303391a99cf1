import type { Rights } from '@bzzz/budget'
import {
  type Account,
  accountKey,
  type NanoUsd,
  type Period,
  type ThreadCap,
  type ThreadId,
  threadPeriod,
} from '@bzzz/protocols'

/** Who has a share in the threads that are paid for here. */
export interface ThreadShares {
  note(thread: ThreadId, cap: ThreadCap | undefined): void
  /** A card has room for a few threads. Where more may be behind it, the account is thought to have its shares, until it is asked. */
  believed(account: Account, spare: readonly Rights[]): readonly Rights[]
}

// More threads than one node pays for at a time.
const MAX_THREADS = 256
/** A card with fewer threads names them all. */
const THREADS_ON_A_CARD = 12

export function createThreadShares(): ThreadShares {
  const shares = new Map<Period, ReadonlyMap<string, NanoUsd>>()
  return {
    note(thread, cap) {
      const period = threadPeriod(thread)
      if (cap === undefined) return
      shares.delete(period)
      shares.set(
        period,
        new Map(cap.shares.map(({ account, amount }) => [accountKey(account), BigInt(amount) as NanoUsd])),
      )
      const [oldest] = shares.keys()
      if (shares.size > MAX_THREADS && oldest !== undefined) shares.delete(oldest)
    },
    believed(account, spare) {
      const told = new Set(spare.map(({ period }) => period).filter((period) => period.startsWith('t:')))
      if (told.size < THREADS_ON_A_CARD) return spare
      const name = accountKey(account)
      const more = [...shares].flatMap(([period, shareOf]): Rights[] => {
        const amount = told.has(period) ? undefined : shareOf.get(name)
        return amount === undefined ? [] : [{ period, amount }]
      })
      return [...spare, ...more]
    },
  }
}
