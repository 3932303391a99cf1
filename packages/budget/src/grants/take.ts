import {
  type Account,
  accountKey,
  type Boot,
  equalBytes,
  type Grant,
  MAX_TRANSFERS,
  type Manifest,
  type MeshId,
  type NanoUsd,
  openGrant,
  type Period,
  ProtocolError,
  parsePeriod,
  proveFork,
  type Verify,
} from '@bzzz/protocols'
import { type Balance, rights } from '../books/balance.ts'
import type { Books } from '../books/books.ts'
import { type Transfer, transferOf } from '../books/transfers.ts'
import { balanceIn, calendarPeriods, openingEvents } from '../calls/admission.ts'
import { clockJump } from '../calls/clock-jump.ts'
import type { Terms } from '../calls/terms.ts'
import { allottedAccounts, allottedTo, isClosedFor, limitOf } from '../periods/rights.ts'
import { MAX_NANO_USD, nanoUsdOf } from '../usd.ts'
import type { Decision, Task } from '../writer.ts'
import type { Crediting, CreditRefusalCode } from './request.ts'

/** How a grant is booked. A test puts others in their place, to see that it is noticed. */
export interface CreditRules {
  /** The opening that it counts for. */
  bootOf(grant: Grant, current: Boot): Boot
  /** What it adds to what was moved before. */
  amountOf(cumulative: NanoUsd, before: bigint): bigint
}

export const CREDIT_RULES: CreditRules = {
  bootOf: ({ to }) => to.boot,
  amountOf: (cumulative, before) => cumulative - before,
}

export interface TakeContext {
  readonly mesh: MeshId
  readonly verifies: Verify | undefined
  readonly rules: CreditRules
  readonly terms: (nowMs: number) => Terms
  readonly boot: () => Boot
}

/** Opens a grant that came in. */
export function readIncoming(bytes: Uint8Array, mesh: MeshId, verifies?: Verify): Grant | Crediting {
  try {
    return openGrant(bytes, mesh, verifies)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    return refused(cause.code === 'BAD_SIGNATURE' ? 'forged' : 'malformed', cause.message)
  }
}

/** Books a grant to this account, once. */
export function takeTask(bytes: Uint8Array, grant: Grant, context: TakeContext): Task<Crediting> {
  const { period, from, to } = grant
  return {
    needs: () => ({ calls: [], periods: [period], costs: [], boots: [to.boot.nonce] }),
    decide(books, nowMs): Decision<Crediting> {
      const terms = context.terms(nowMs)
      const objection = objectionTo(grant, terms, books) ?? untimely(grant, terms, books)
      if (objection !== undefined) return answered(objection)
      const balance = balanceIn(terms, books, period)
      const { taken } = balance.transfers
      const before = transferOf(taken, from, context.rules.bootOf(grant, context.boot()))
      const contradiction = before && contradictionOf(before, bytes, grant, context)
      if (contradiction !== undefined) return contradiction
      if (before === undefined && isFull(taken, from)) return answered(refused('too-many', FULL_WORDS))
      const amount = nanoUsdOf(context.rules.amountOf(grant.cumulative, before?.cumulative ?? 0n))
      if (rights(balance) + amount > mostGivenOut(terms.manifest, period))
        return answered(refused('beyond-limit', BEYOND_WORDS))
      if (allThatCame(balance) + amount > MAX_NANO_USD) return answered(refused('beyond-limit', UNHOLDABLE_WORDS))
      const credited = { kind: 'credited' as const, period, amount, grant: Uint8Array.from(bytes) }
      const events = [...openingEvents(terms, books, [period]), credited]
      return { events, answer: () => ({ status: 'credited', period, from, amount }) }
    },
  }
}

// As many openings of this ledger as a donor gives to. A donor may make up incarnations: it leaves room for the others.
const MAX_OF_PEER = 64

function isFull(taken: readonly Transfer[], from: Account): boolean {
  return taken.length >= MAX_TRANSFERS || taken.filter(({ party }) => party.peer === from.peer).length >= MAX_OF_PEER
}

/** All that honest nodes can have together: after a limit was lowered, what the running period was opened with. */
function mostGivenOut(manifest: Manifest, period: Period): bigint {
  const limit = limitOf(manifest, period)
  if (limit === undefined) return MAX_NANO_USD
  const accounts = allottedAccounts(manifest, period)
  const given = accounts.reduce((sum, account) => sum + allottedTo(manifest, account, period), 0n)
  return given > limit ? given : limit
}

/** No limit of the mesh bounds what a member says it gives of a thread. */
function allThatCame({ initial, minted, received }: Balance): bigint {
  return initial + minted + received
}

const UNHOLDABLE_WORDS = 'with it, this account would hold more than a ledger can'
const FULL_WORDS = 'so many grants were credited in this period that it holds no more of them'
const BEYOND_WORDS = 'with it, this account would hold more than the limit of the whole mesh'

function objectionTo({ from, to, period }: Grant, { newest, account }: Terms, books: Books): Crediting | undefined {
  if (accountKey(to.account) !== accountKey(account)) return refused('not-ours', `it is for ${accountKey(to.account)}`)
  if (!newest.members.some(({ peer, role }) => peer === from.peer && role === 'node')) {
    return refused('not-a-member', `${from.peer} is not a node of this mesh`)
  }
  for (const one of [from, account]) {
    if (books.forked.has(accountKey(one))) return refused('forked', `the account of ${one.peer} is in use twice`)
    if (isClosedFor(newest, one, period)) return refused('closed', `the account of ${one.peer} is attested to be gone`)
  }
  if (books.outrun) return refused('outrun', 'this ledger is older than what its account has signed')
  if (books.boots.get(to.boot.nonce) === to.boot.counter) return undefined
  return refused('wrong-boot', `this ledger was never opened as number ${to.boot.counter} with that nonce`)
}

function untimely({ period }: Grant, terms: Terms, books: Books): Crediting | undefined {
  if (books.balances.has(period)) return undefined
  if (parsePeriod(period)?.kind === 'thread') return refused('not-open', 'this node has not opened the thread')
  const jump = clockJump(terms, books.lastOpened)
  if (jump !== undefined) return refused('clock', jump.words)
  const isRunning = calendarPeriods(terms, books.lastOpened).includes(period)
  return isRunning ? undefined : refused('wrong-period', `${period} is neither open here nor running`)
}

/** Of the grant credited before: a repeat, an older one, or one that cannot be of the same honest donor. */
function contradictionOf(
  before: Transfer,
  bytes: Uint8Array,
  { from, seq, cumulative }: Grant,
  { mesh, verifies }: TakeContext,
): Decision<Crediting> | undefined {
  if (seq === before.seq) {
    const fork = equalBytes(bytes, before.grant) ? undefined : proofBy(before.grant, bytes, mesh, verifies)
    if (fork === undefined) return answered(refused('replayed', 'it was credited before'))
    return {
      events: [{ kind: 'forked', account: from, proof: fork }],
      answer: () => refused('forked', `the account of ${from.peer} gave two things under number ${seq}`),
    }
  }
  const grows = cumulative > before.cumulative
  if (grows === seq > before.seq)
    return grows ? undefined : answered(refused('older', 'a later one was credited before'))
  return answered(refused('contradictory', `number ${seq} after ${before.seq} does not go with its amount`))
}

function proofBy(
  one: Uint8Array,
  other: Uint8Array,
  mesh: MeshId,
  verifies?: Verify,
): Uint8Array<ArrayBuffer> | undefined {
  const thing = (bytes: Uint8Array) => ({ kind: 'grant' as const, bytes: Uint8Array.from(bytes) })
  const proof = proveFork(thing(one), thing(other), mesh, verifies)
  return proof && Uint8Array.from(proof.bytes)
}

function answered(crediting: Crediting): Decision<Crediting> {
  return { events: [], answer: () => crediting }
}

function refused(code: CreditRefusalCode, reason: string): Crediting {
  return { status: 'refused', code, reason }
}
