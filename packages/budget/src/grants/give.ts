import {
  type Account,
  accountKey,
  type LedgerEvent,
  MAX_TRANSFERS,
  type MeshId,
  type NanoUsd,
  type Period,
  parsePeriod,
  type Signer,
  sealGrant,
} from '@bzzz/protocols'
import { unspent } from '../books/balance.ts'
import type { Books } from '../books/books.ts'
import { type Transfer, transferOf } from '../books/transfers.ts'
import { openingEvents } from '../calls/admission.ts'
import { clockJump } from '../calls/clock-jump.ts'
import type { Terms } from '../calls/terms.ts'
import type { Standing } from '../ledger/standing.ts'
import { isShared } from '../periods/charged.ts'
import { isAttestedGone } from '../periods/rights.ts'
import { NO_USD, nanoUsdOf } from '../usd.ts'
import type { Decision, Task } from '../writer.ts'
import { amountToGive, type Donor } from './amounts.ts'
import { type AskedNeed, type Granting, type GrantRefusalCode, type GrantRequest, MAX_NEEDS } from './request.ts'
import { balanceOf, mostOf, runningPeriods, type Standpoint } from './standing-rights.ts'
import type { AmountIn } from './waiters.ts'

// A node that restarts all day long, or makes up incarnations, leaves room for the others in the period's list.
const MAX_BOOTS_OF_PEER = 64

export interface GiveContext {
  readonly mesh: MeshId
  readonly account: Account
  readonly signer: Signer
  readonly standing: Standing
  readonly terms: (nowMs: number) => Terms
  /** What own calls wait for, older ones than the asker's and all, as the books stand. */
  readonly kept: (books: Books, sinceMs: number, asker: Account) => { readonly older: AmountIn; readonly all: AmountIn }
  /** How fast this account spends, nano-dollars per millisecond. */
  readonly rate: (nowMs: number) => number
}

/** Decides how much of a request to give, and debits it; the grants are handed out once that is synced. */
export function giveTask(request: GrantRequest, context: GiveContext): Task<Granting> {
  const periods = request.needs.map(({ period }) => period)
  return {
    needs: () => ({ calls: [], periods: isAskable(request) ? periods : [], costs: [] }),
    decide(books, nowMs): Decision<Granting> {
      const at = { terms: context.terms(nowMs), standing: context.standing, books }
      const refusal = objectionTo(request, at.terms, books)
      if (refusal !== undefined) return answered(refusal)
      const running = new Set([...runningPeriods(at), ...periods.filter((of) => isOpenThread(books, of))])
      const asked = request.needs.filter(({ period }) => running.has(period))
      if (asked.length === 0) return answered(refused('wrong-period', 'none of these periods is running here'))
      const rates = { ownRate: context.rate(nowMs), askersRate: Math.max(0, request.perSecond) / 1_000 }
      const kept = context.kept(books, request.sinceMs, request.to.account)
      let seq = books.signedSeq
      const gifts = asked.map((need) => {
        const gift = giftFor(need, request.to, { at, kept, rates })
        return 'amount' in gift ? sealed(gift, ++seq, request.to, context) : gift
      })
      return handedOut(gifts, (event) => [...openingEvents(at.terms, books, [event.period]), event])
    },
  }
}

interface Giver {
  readonly at: Standpoint
  readonly kept: ReturnType<GiveContext['kept']>
  readonly rates: Pick<Donor, 'ownRate' | 'askersRate'>
}

/** What is to be given of one need: something new, what was given already and lost on the way, or nothing. */
function giftFor(need: AskedNeed, to: GrantRequest['to'], { at, kept, rates }: Giver): Gift | NewGift {
  const { period } = need
  const balance = balanceOf(at, period)
  const { given } = balance.transfers
  const before = transferOf(given, to.account, to.boot)
  if (before === undefined && isFull(given, to.account)) return { full: true }
  const lost = aboveZero((before?.cumulative ?? 0n) - need.credited)
  const amount = amountToGive(reducedBy(need, lost), {
    ...rates,
    unspent: unspent(balance),
    keptForOlder: kept.older(period),
    keptForAll: kept.all(period),
    most: mostOf(at, balance),
  })
  if (amount > 0n) return { period, amount, cumulative: nanoUsdOf((before?.cumulative ?? 0n) + amount) }
  return lost > 0n && before !== undefined ? { grant: before.grant } : {}
}

interface NewGift {
  readonly period: Period
  readonly amount: NanoUsd
  readonly cumulative: NanoUsd
}

interface Gift {
  readonly grant?: Uint8Array
  readonly event?: Extract<LedgerEvent, { kind: 'granted' }>
  readonly full?: boolean
}

function sealed(
  { period, amount, cumulative }: NewGift,
  seq: number,
  to: GrantRequest['to'],
  { account: from, mesh, signer, standing }: GiveContext,
): Gift {
  const body = { v: 1, period, from, boot: standing.meta.boot, to, cumulative, seq } as const
  const grant = Uint8Array.from(sealGrant(body, mesh, signer))
  return { grant, event: { kind: 'granted', period, amount, grant } }
}

function handedOut(
  gifts: readonly Gift[],
  written: (event: Extract<LedgerEvent, { kind: 'granted' }>) => readonly LedgerEvent[],
): Decision<Granting> {
  const grants = gifts.flatMap(({ grant }) => grant ?? [])
  if (grants.length === 0) {
    const full = gifts.some((gift) => gift.full === true)
    return answered(full ? refused('too-many', FULL_WORDS) : refused('nothing', NOTHING_WORDS))
  }
  const events = gifts.flatMap(({ event }) => (event === undefined ? [] : written(event)))
  return { events, answer: () => ({ status: 'granted', grants }) }
}

const FULL_WORDS = 'so many openings were given to in this period that it holds no more of them'
const NOTHING_WORDS = 'nothing is left here, or older calls wait for it'

function isAskable({ needs }: GrantRequest): boolean {
  const periods = new Set(needs.map(({ period }) => period))
  return needs.length > 0 && needs.length <= MAX_NEEDS && periods.size === needs.length && [...periods].every(isShared)
}

function objectionTo(
  request: GrantRequest,
  { newest, account, clock, agreedMs }: Terms,
  books: Books,
): Granting | undefined {
  const { account: asker, boot } = request.to
  if (!isAskable(request))
    return refused('bad-request', `asks for 1 to ${MAX_NEEDS} periods that are shared, each once`)
  if (accountKey(asker) === accountKey(account)) return refused('own', 'an account gives nothing to itself')
  if (!newest.members.some(({ peer, role }) => peer === asker.peer && role === 'node')) {
    return refused('not-a-member', 'only nodes of this mesh hold rights')
  }
  for (const one of [asker, account]) {
    if (isAttestedGone(newest, one)) return refused('closed', `the account of ${one.peer} is attested to be gone`)
    if (books.forked.has(accountKey(one))) return refused('forked', `the account of ${one.peer} is in use twice`)
  }
  if (books.outrun) return refused('unable', 'this ledger is older than what its account has signed')
  const given = request.needs.flatMap(({ period }) => books.balances.get(period)?.transfers.given ?? [])
  const known = given.filter(({ party }) => accountKey(party) === accountKey(asker)).map((transfer) => transfer.boot)
  const isOld = known.some(
    ({ counter, nonce }) => counter > boot.counter || (counter === boot.counter && nonce !== boot.nonce),
  )
  if (isOld) return refused('old-boot', 'a newer opening of this ledger has asked before')
  const jump = clockJump({ newest, clock, agreedMs }, books.lastOpened)
  return jump && refused('clock', jump.words)
}

function isOpenThread(books: Books, period: Period): boolean {
  return parsePeriod(period)?.kind === 'thread' && books.balances.has(period)
}

function isFull(given: readonly Transfer[], asker: Account): boolean {
  const own = given.filter(({ party }) => party.peer === asker.peer)
  return given.length >= MAX_TRANSFERS || own.length >= MAX_BOOTS_OF_PEER
}

function reducedBy({ least, want }: AskedNeed, lost: bigint): { least: NanoUsd; want: NanoUsd } {
  return { least: nanoUsdOf(aboveZero(least - lost)), want: nanoUsdOf(aboveZero(want - lost)) }
}

function aboveZero(amount: bigint): NanoUsd {
  return amount > 0n ? nanoUsdOf(amount) : NO_USD
}

function answered(granting: Granting): Decision<Granting> {
  return { events: [], answer: () => granting }
}

function refused(code: GrantRefusalCode, reason: string): Granting {
  return { status: 'refused', code, reason }
}
