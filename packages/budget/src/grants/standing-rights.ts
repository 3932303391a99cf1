import { type Account, accountKey, type NanoUsd, type Period, parsePeriod } from '@bzzz/protocols'
import { type Balance, rights, unspent } from '../books/balance.ts'
import type { Books } from '../books/books.ts'
import { balanceIn, calendarPeriods, leftIn, localCapOf } from '../calls/admission.ts'
import { clockJump } from '../calls/clock-jump.ts'
import type { Terms } from '../calls/terms.ts'
import type { Standing } from '../ledger/standing.ts'
import { limitOf } from '../periods/rights.ts'
import { mostToKeep } from './amounts.ts'
import type { Rights } from './request.ts'
import { type AmountIn, lookedUpOnce } from './waiters.ts'

/** How this account stands in a period, as far as memory goes: with a page's draft before what is synced. */
export interface Standpoint {
  readonly terms: Terms
  readonly standing: Standing
  readonly books?: Books
}

/** As it is, or as the account would open it now. */
export function balanceOf({ terms, standing, books }: Standpoint, period: Period): Balance {
  const known = (of: Period): Balance | undefined => books?.balances.get(of) ?? standing.periods.get(of)?.balance
  return balanceIn(terms, { balances: { get: known } }, period)
}

/** What is left for own calls, by period, and below zero what an overrun has to be made up with: looked up once, for as long as nothing changes. */
export function availableTo(at: Standpoint): AmountIn {
  return lookedUpOnce((period) => leftIn(balanceOf(at, period), localCapOf(at.terms, period)))
}

/** What others could give that is of use: nothing where a cap of this node's own configuration is what stops it. */
export function reachableTo(at: Standpoint, reachable: AmountIn): AmountIn {
  return lookedUpOnce((period) => {
    const cap = localCapOf(at.terms, period)
    return cap !== undefined && cap <= rights(balanceOf(at, period)) ? 0n : reachable(period)
  })
}

/** Days and months that the clock may charge now; none while the clock is in doubt. */
export function runningPeriods({ terms, standing, books }: Standpoint): Period[] {
  const lastOpened = books?.lastOpened ?? standing.lastOpened
  return clockJump(terms, lastOpened) === undefined ? calendarPeriods(terms, lastOpened) : []
}

/** More than this an account does not keep in a period for what comes. */
export function mostOf({ terms }: Standpoint, balance: Balance): NanoUsd {
  const nodes = terms.newest.members.filter(({ role }) => role === 'node').length
  const limit = limitOf(terms.manifest, balance.period) ?? balance.initial
  return mostToKeep(limit, nodes)
}

// A hint rides on gossip: threads beyond these find a donor only by asking.
const MAX_THREADS_TOLD = 12

/** What others may ask for: days and months of now, and the threads that were used last. */
export function spareOf(at: Standpoint): Rights[] {
  const threads = [...at.standing.periods.keys()].filter((period) => parsePeriod(period)?.kind === 'thread')
  return [...runningPeriods(at), ...threads.slice(-MAX_THREADS_TOLD)].flatMap((period) => {
    const amount = unspent(balanceOf(at, period))
    return amount > 0n ? [{ period, amount }] : []
  })
}

/** Own grants to an account in what is running, to be sent again: those that were lost are credited, the others known. */
export function grantsTo(at: Standpoint, account: Account): Uint8Array[] {
  const name = accountKey(account)
  const running = new Set(runningPeriods(at))
  const periods = [...at.standing.periods.keys()].filter((period) => running.has(period) || period.startsWith('t:'))
  return periods.flatMap((period) => {
    const { given } = balanceOf(at, period).transfers
    return given.flatMap(({ party, grant }) => (accountKey(party) === name ? [grant] : []))
  })
}
