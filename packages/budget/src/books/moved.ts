import { type Incarnation, type LedgerEvent, readGrant } from '@bzzz/protocols'
import { invariant } from '../errors.ts'
import { nanoUsdOf } from '../usd.ts'
import { type Balance, charged, rights } from './balance.ts'
import { movedBefore, transferGiven, transferTaken, withTransfer } from './transfers.ts'

type EventOf<Kind extends LedgerEvent['kind']> = Extract<LedgerEvent, { kind: Kind }>

/** Rights that come and go, after the rules by which they may. @throws {BudgetError} INVARIANT_BROKEN */
export function postMinted(balance: Balance, { id, amount }: EventOf<'minted'>): Balance {
  const { mints } = balance.transfers
  invariant(6, !mints.includes(id), `mint ${id} is booked once`)
  const transfers = { ...balance.transfers, mints: [...mints, id] }
  return { ...balance, minted: nanoUsdOf(balance.minted + amount), transfers }
}

/** @param signedSeq number of what was signed before @returns also the number of this grant */
export function postGranted(
  signedSeq: number,
  balance: Balance,
  { period, amount, grant }: EventOf<'granted'>,
): { balance: Balance; signedSeq: number } {
  const opened = readGrant(grant)
  const transfer = transferGiven(grant, opened)
  const { given } = balance.transfers
  invariant(4, opened.seq > signedSeq, `number ${opened.seq} was given out before`)
  const cumulative = movedBefore(given, transfer) + amount
  invariant(11, opened.period === period && transfer.cumulative === cumulative, 'a grant tells all that was given')
  invariant(2, charged(balance) + amount <= rights(balance), `${period} has no ${amount} to give`)
  const transfers = { ...balance.transfers, given: withTransfer(given, transfer) }
  return { balance: { ...balance, granted: nanoUsdOf(balance.granted + amount), transfers }, signedSeq: opened.seq }
}

/** @param boots openings of the ledger: their numbers, by what was drawn */
export function postCredited(
  boots: ReadonlyMap<Incarnation, number>,
  balance: Balance,
  { period, amount, grant }: EventOf<'credited'>,
): Balance {
  const opened = readGrant(grant)
  const transfer = transferTaken(grant, opened)
  const { taken } = balance.transfers
  const cumulative = movedBefore(taken, transfer) + amount
  invariant(11, opened.period === period && transfer.cumulative === cumulative, 'credited is what was granted, once')
  invariant(
    11,
    boots.get(opened.to.boot.nonce) === opened.to.boot.counter,
    'only what was granted to an own opening is credited',
  )
  const transfers = { ...balance.transfers, taken: withTransfer(taken, transfer) }
  return { ...balance, received: nanoUsdOf(balance.received + amount), transfers }
}
