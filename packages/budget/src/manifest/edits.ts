import { createHash } from 'node:crypto'
import {
  type Account,
  accountKey,
  type Dimension,
  equalBytes,
  type Incarnation,
  MAX_HEALED,
  type Manifest,
  type NanoUsd,
  type PeerId,
  type Period,
} from '@bzzz/protocols'
import { periodAfter, periodAt } from '../periods/charged.ts'
import { limitOf } from '../periods/rights.ts'
import { splitByWeight } from '../shares.ts'
import { nanoUsdOf } from '../usd.ts'
import { accountsIn, newestOf, type SignerBook, unhealed } from './book.ts'
import type { ChangeRefusal, ManifestChange } from './change.ts'
import { firstOpen, firstUnopened, type Mint, reckon, type SigningRules } from './reckoning.ts'

/** What a change says, before allotments move. */
export interface Edit {
  readonly rules: SigningRules
  readonly book: SignerBook
  /** Like the newest, with the number of the next. */
  readonly next: Manifest
  readonly nowMs: number
  /** Who attests. */
  readonly owner: PeerId
}

export class ChangeRefused extends Error {
  override readonly name = 'ChangeRefused'
  readonly code: ChangeRefusal

  constructor(code: ChangeRefusal, reason: string) {
    super(reason)
    this.code = code
  }
}

/** @throws {ChangeRefused} */
export function edited(change: ManifestChange, edit: Edit): Manifest {
  switch (change.kind) {
    case 'add-member':
      return withMember(change, edit)
    case 'remove-member':
      return withoutMember(change, edit)
    case 'adopt':
      return withAdopted(change, edit)
    case 'limit':
      return withLimit(change, edit)
    case 'reissue':
      return withReissue(change, edit)
    case 'advance':
      return edit.next
    case 'heal':
      return healed(edit)
    case 'restore':
      return restored(change, edit)
  }
}

type Change<Kind extends ManifestChange['kind']> = Extract<ManifestChange, { kind: Kind }>

function withMember({ member, account }: Change<'add-member'>, { next }: Edit): Manifest {
  const same = next.members.find(({ peer, label }) => peer === member.peer || label === member.label)
  if (same !== undefined) throw new ChangeRefused('known-member', `${same.label} is a member already (${same.peer})`)
  if (account !== null) mustBeUsable(account, member.peer, member.role, next)
  const members = [...next.members, member]
  return account === null ? { ...next, members } : { ...next, members, weights: weighted(next, account) }
}

function withoutMember({ peer, how }: Change<'remove-member'>, edit: Edit): Manifest {
  const { next } = edit
  if (!next.members.some((member) => member.peer === peer)) throw notAMember(peer)
  const gone = accountsIn(edit.book).filter((account) => account.peer === peer)
  const weights = next.weights.filter(({ account }) => account.peer !== peer)
  if (weights.length === 0 && next.weights.length > 0) {
    throw new ChangeRefused('last-account', `nobody but ${peer} may spend anything: let another node join first`)
  }
  const members = next.members.filter((member) => member.peer !== peer)
  return withClosed({ ...next, members, weights }, gone, how === 'left' ? peer : edit.owner, edit.nowMs)
}

function withAdopted({ account }: Change<'adopt'>, edit: Edit): Manifest {
  const { next } = edit
  const member = next.members.find(({ peer }) => peer === account.peer)
  if (member === undefined) throw notAMember(account.peer)
  mustBeUsable(account, member.peer, member.role, next)
  const old = accountsIn(edit.book).filter((one) => one.peer === account.peer && !isSame(one, account))
  const weights = weighted(next, account).filter((entry) => !old.some((one) => isSame(entry.account, one)))
  return withClosed({ ...next, weights }, old, edit.owner, edit.nowMs)
}

function mustBeUsable(account: Account, peer: PeerId, role: string, { closed }: Manifest): void {
  const words = `account ${accountKey(account)}`
  if (account.peer !== peer) throw new ChangeRefused('wrong-account', `${words} is not of ${peer}`)
  if (role !== 'node') throw new ChangeRefused('wrong-account', `${peer} is a laptop and holds no rights`)
  if (closed.some((entry) => isSame(entry.account, account)))
    throw new ChangeRefused('wrong-account', `${words} is attested to be gone: make a new ledger`)
}

/** An account of a peer that has a weight takes that; another gets the average of them all. */
function weighted({ weights }: Manifest, account: Account): Manifest['weights'] {
  if (weights.some((entry) => isSame(entry.account, account))) return weights
  const before = weights.find((entry) => entry.account.peer === account.peer)
  const sum = weights.reduce((total, { weight }) => total + weight, 0)
  const average = weights.length === 0 ? 1 : Math.max(1, Math.round(sum / weights.length))
  return [...weights, { account, weight: before?.weight ?? average }]
}

const MAX_CLOSED = 64

/** Rights of accounts that are gone are free from the first periods that they cannot have opened. */
function withClosed(next: Manifest, accounts: readonly Account[], attestedBy: PeerId, nowMs: number): Manifest {
  const news = accounts.filter((account) => !next.closed.some((entry) => isSame(entry.account, account)))
  if (news.length === 0) return next
  const from = { fromDay: firstUnopened('day', next, nowMs), fromMonth: firstUnopened('month', next, nowMs) }
  const closed = [...next.closed, ...news.map((account) => ({ account, ...from, attestedBy }))]
  const weights = next.weights.filter(({ account }) => !news.some((one) => isSame(one, account)))
  // Whoever was gone long ago has opened what it could, and nothing that it is given would be its own.
  const dispensable = closed.filter(({ fromMonth }) => fromMonth <= firstOpen('month', next, nowMs)).length
  const dropped = Math.min(dispensable, Math.max(0, closed.length - MAX_CLOSED))
  return { ...next, weights, closed: closed.slice(dropped) }
}

function withLimit({ dim, amount }: Change<'limit'>, edit: Edit): Manifest {
  const { next, nowMs } = edit
  if (next.weights.length === 0) throw new ChangeRefused('last-account', 'nobody is to have a part of the limit')
  const from = later(periodAt(dim, nowMs), beforeWhich(next, dim))
  const until = firstUnopened(dim, next, nowMs)
  const changed = { ...next, limits: limitsWith(next, dim, from, amount, nowMs) }
  const raised = periodsFrom(from, until).flatMap((period) => mintsFor(period, amount, changed, edit))
  return raised.length === 0 ? changed : { ...changed, mints: [...next.mints, ...raised] }
}

/** What a running period's limit is more by goes to whoever has a part of it. */
function mintsFor(period: Period, amount: NanoUsd, changed: Manifest, { rules, book, next }: Edit): Mint[] {
  const before = limitOf(next, period) ?? 0n
  const free = amount - reckon(rules, book, newestOf(book).manifest, changed).sum(period)
  const room = amount - before < free ? amount - before : free
  if (room <= 0n) return []
  const shares = splitByWeight(
    nanoUsdOf(room),
    next.weights.map(({ weight }) => weight),
  )
  return next.weights.flatMap(({ account }, index) => {
    const share = shares[index] ?? 0n
    return share > 0n ? [{ id: mintId(next, period, account), period, account, amount: nanoUsdOf(share) }] : []
  })
}

function withReissue({ dim, by, account }: Change<'reissue'>, { next, nowMs }: Edit): Manifest {
  const member = next.members.find(({ peer }) => peer === account.peer)
  if (member === undefined) throw notAMember(account.peer)
  mustBeUsable(account, member.peer, member.role, next)
  const period = periodAt(dim, nowMs)
  const [now, then] = [limitOf(next, period), limitOf(next, periodAfter(period))]
  if (now === undefined || then === undefined) throw new ChangeRefused('no-limit', `the mesh has no limit by ${dim}`)
  if (by === 0n) return next
  const after = next.limits.filter((entry) => entry.dim === dim && entry.from > periodAfter(period))
  const raised = limitsWith(next, dim, period, nanoUsdOf(now + by), nowMs)
  const limits = [...raised, { dim, from: periodAfter(period), amount: then }, ...after]
  return { ...next, limits, mints: [...next.mints, { id: mintId(next, period, account), period, account, amount: by }] }
}

/** The same from this period on, whatever was to come; what is in force before it stays. */
function limitsWith(next: Manifest, dim: Dimension, from: Period, amount: NanoUsd, nowMs: number): Manifest['limits'] {
  const first = firstOpen(dim, next, nowMs)
  const own = next.limits.filter((entry) => entry.dim === dim)
  const isSuperseded = (start: Period): boolean => own.some((one) => one.from > start && one.from <= first)
  const before = own.filter((entry) => entry.from < from && !isSuperseded(entry.from))
  const others = next.limits.filter((entry) => entry.dim !== dim)
  const isSaid = own.every((entry) => entry.from <= from) && limitOf({ limits: own }, from) === amount
  return isSaid ? next.limits : [...others, ...before, { dim, from, amount }]
}

/** One version in place of both sides: with whatever either side gave, and no more. */
function healed({ book, next }: Edit): Manifest {
  const forks = unhealed(book)
  if (forks.length === 0) throw new ChangeRefused('not-forked', 'no two versions have one number')
  const oldest = Math.min(...forks.map(({ manifest }) => manifest.version))
  const both = [...book.versions.filter(({ manifest }) => manifest.version >= oldest), ...forks]
  if (both.length > MAX_HEALED) throw new ChangeRefused('bad-shape', `${both.length} versions are on both sides`)
  const earlier = next.heals.filter((hash) => !both.some((one) => equalBytes(one.hash, hash)))
  const heals = [...earlier, ...both.map(({ hash }) => Uint8Array.from(hash))].slice(-MAX_HEALED)
  return forks.reduce((body, { manifest }) => united(body, manifest), { ...next, heals })
}

/** With members, weights, mints and closed accounts of the other side; limits and the rest are the own side's. */
function united(next: Manifest, other: Manifest): Manifest {
  const members = other.members.filter(
    ({ peer, label }) => !next.members.some((member) => member.peer === peer || member.label === label),
  )
  const closed = other.closed.filter((entry) => !next.closed.some((one) => isSame(one.account, entry.account)))
  const allClosed = [...next.closed, ...closed]
  const isNew = ({ account }: Manifest['weights'][number]): boolean =>
    !next.weights.some((one) => isSame(one.account, account)) &&
    next.weights.every((one) => one.account.peer !== account.peer)
  const weights = [...next.weights, ...other.weights.filter(isNew)]
  const mints = other.mints.filter((mint) => !next.mints.some(({ id }) => id === mint.id))
  return {
    ...next,
    members: [...next.members, ...members],
    weights: weights.filter(({ account }) => !allClosed.some((one) => isSame(one.account, account))),
    mints: [...next.mints, ...mints],
    closed: allClosed,
  }
}

function restored({ gone }: Change<'restore'>, { book, next, nowMs, owner }: Edit): Manifest {
  const closed = withClosed(next, gone, owner, nowMs)
  const { version } = closed
  const beforeDay = later(firstUnopened('day', next, nowMs), beforeWhich(next, 'day'))
  const beforeMonth = later(firstUnopened('month', next, nowMs), beforeWhich(next, 'month'))
  const heals = [...next.heals, ...unhealed(book).map(({ hash }) => Uint8Array.from(hash))].slice(-MAX_HEALED)
  return { ...closed, heals, restored: { version, beforeDay, beforeMonth } }
}

/** In periods before this one nothing is raised. */
function beforeWhich({ restored: mark }: Manifest, dim: Dimension): Period | undefined {
  return dim === 'day' ? mark?.beforeDay : mark?.beforeMonth
}

function later(period: Period, other: Period | undefined): Period {
  return other !== undefined && other > period ? other : period
}

function periodsFrom(first: Period, until: Period): Period[] {
  const periods: Period[] = []
  for (let period = first; period < until; period = periodAfter(period)) periods.push(period)
  return periods
}

/** The same whenever this version is signed again with the same content. */
function mintId(next: Manifest, period: Period, account: Account): Incarnation {
  const before = Buffer.from(next.prevHash ?? []).toString('hex')
  const hash = createHash('sha256').update(`bzzz/mint/1\0${before} ${period} ${accountKey(account)}`)
  return hash.digest('hex').slice(0, 32) as Incarnation
}

function isSame(a: Account, b: Account): boolean {
  return accountKey(a) === accountKey(b)
}

function notAMember(peer: PeerId): ChangeRefused {
  return new ChangeRefused('not-a-member', `${peer} is no member of the mesh`)
}
