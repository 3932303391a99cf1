import {
  type Account,
  type Ack,
  accountKey,
  encodeCanonical,
  equalBytes,
  type Manifest,
  type NanoUsd,
  openManifest,
  type Period,
  ProtocolError,
  type Signer,
  sealManifest,
  type Verify,
} from '@bzzz/protocols'
import { DAY_MS, endOf, periodAt } from '../periods/charged.ts'
import { limitOf } from '../periods/rights.ts'
import { formatUsd } from '../usd.ts'
import { allotted } from './allotting.ts'
import { accountsIn, allVersions, newestOf, type SignerBook, unhealed } from './book.ts'
import type { ManifestChange, PeriodSum, SignedChange } from './change.ts'
import { ChangeRefused, edited } from './edits.ts'
import { firstOpen, firstUnopened, type Reckoning, reckon, SIGNING_RULES, type SigningRules } from './reckoning.ts'

export interface SigningTerms {
  /** The mesh owner's key, not a node's. */
  readonly owner: Signer
  /** Wall clock, milliseconds. */
  readonly now: number
  /** Of the owner's signature; only a simulation has another. */
  readonly verifies?: Verify
}

/**
 * The version after the newest that makes a change, if no period can cost more than its limit by it. To be synced, and the own
 * account's ack of it too where the owner's node has one, before it leaves the process.
 * @throws {RangeError} for a signer that is not the owner
 */
export function signChange(book: SignerBook, change: ManifestChange, terms: SigningTerms): SignedChange {
  return signChangeBy(SIGNING_RULES, book, change, terms)
}

/** @param rules the shipped ones, but in a test or a simulation */
export function signChangeBy(
  rules: SigningRules,
  book: SignerBook,
  change: ManifestChange,
  { owner, now, verifies }: SigningTerms,
): SignedChange {
  const { mesh, manifest } = newestOf(book)
  if (!equalBytes(owner.publicKey, manifest.owner)) throw new RangeError(`${owner.peer} is not the owner of ${mesh}`)
  try {
    const body = decided(rules, book, change, { owner: owner.peer, nowMs: now })
    if (body === undefined) return { status: 'unchanged' }
    return { status: 'signed', next: openManifest(sealManifest(body, mesh, owner), mesh, verifies) }
  } catch (error) {
    if (error instanceof ChangeRefused) return { status: 'refused', code: error.code, reason: error.message }
    if (error instanceof ProtocolError) return { status: 'refused', code: 'bad-shape', reason: error.message }
    throw error
  }
}

function decided(
  rules: SigningRules,
  book: SignerBook,
  change: ManifestChange,
  { owner, nowMs }: { owner: Account['peer']; nowMs: number },
): Manifest | undefined {
  mustBeReady(book, change)
  const newest = newestOf(book)
  const before = newest.manifest
  const mints = [...rules.mintsListed(before.mints, ({ period }) => endOf(period) + DAY_MS <= nowMs)]
  const version = nextNumber(book, change)
  const blank: Manifest = { ...before, version, prevHash: Uint8Array.from(newest.hash), mints }
  const said = edited(change, { rules, book, next: blank, nowMs, owner })
  const next =
    change.kind === 'restore' || change.kind === 'reissue'
      ? said
      : { ...said, allotments: allotted(said, { rules, book, newest: before, nowMs }) }
  if (saysTheSame(next, blank)) return undefined
  mustFit(rules, book, next, { nowMs, exempt: change.kind === 'reissue' ? periodAt(change.dim, nowMs) : undefined })
  return next
}

function saysTheSame(next: Manifest, blank: Manifest): boolean {
  return equalBytes(encodeCanonical(next), encodeCanonical(blank))
}

// Above every number that a copy of the key may have used since the backup was made.
const RESTORE_STEP = 1_000

function nextNumber(book: SignerBook, change: ManifestChange): number {
  const signed = allVersions(book).map(({ version }) => version)
  if (change.kind !== 'restore') return Math.max(...signed) + 1
  const gone = new Set(change.gone.map(accountKey))
  // Whoever is gone may have named any number.
  const living = [...book.acks.values()].filter(
    ({ account }) => !gone.has(accountKey(account)) && !isGoneIn(book, account),
  )
  return Math.max(...signed, ...living.map(({ version }) => version)) + RESTORE_STEP
}

/** @throws {ChangeRefused} while the book is not one to sign from */
function mustBeReady(book: SignerBook, change: ManifestChange): void {
  const { kind } = change
  const gone = kind === 'restore' ? change.gone.map(accountKey) : []
  const stranger = [...book.acks.values()].find(
    (ack) => isUnknown(book, ack) && !gone.includes(accountKey(ack.account)),
  )
  if (stranger !== undefined) {
    const words = `${stranger.account.peer} has acknowledged a version ${stranger.version} that is not known here`
    throw new ChangeRefused(
      'behind',
      `${words}: this chain is an old copy, or another key signs too; take that version first`,
    )
  }
  if (change.kind === 'restore') {
    mustBeHeard(book, gone)
    return
  }
  if (kind !== 'heal' && unhealed(book).length > 0) {
    throw new ChangeRefused('forked', 'the owner signed two versions with one number: heal that first')
  }
  const { restored } = newestOf(book).manifest
  // A sum that its operator names is added to the limit and to rights alike, and moves nothing else.
  const waiting = restored === null || kind === 'reissue' ? [] : waitingSince(book, restored.version)
  if (waiting.length > 0) {
    throw new ChangeRefused(
      'restoring',
      `version ${restored?.version} is to be acknowledged first, or attested to be gone: ${peersOf(waiting)}`,
    )
  }
}

/**
 * A restored chain is that of the newest version that any living account acknowledged: so all of them have to be heard first.
 * @throws {ChangeRefused}
 */
function mustBeHeard(book: SignerBook, gone: readonly string[]): void {
  const unheard = accountsIn(book).filter((account) => {
    const name = accountKey(account)
    return !isGoneIn(book, account) && !book.acks.has(name) && !gone.includes(name)
  })
  if (unheard.length === 0) return
  throw new ChangeRefused('restoring', `to be heard of first, or attested to be gone: ${peersOf(unheard)}`)
}

function peersOf(accounts: readonly Account[]): string {
  return accounts.map(({ peer }) => peer).join(', ')
}

/** An ack of a version that is not in the book, where that makes a difference. */
function isUnknown(book: SignerBook, { account, version, manifest }: Ack): boolean {
  const newest = newestOf(book).manifest
  if ([...book.versions, ...book.forks].some(({ hash }) => equalBytes(hash, manifest))) return false
  if (newest.restored !== null && isGoneIn(book, account)) return false
  return version > newest.version || accountsIn(book).some((one) => accountKey(one) === accountKey(account))
}

/** Accounts that have not acknowledged this version, and are not attested to be gone. */
function waitingSince(book: SignerBook, version: number): Account[] {
  const { manifest } = newestOf(book)
  const { accounts } = reckon(SIGNING_RULES, book, manifest)
  return accounts.filter((account) => {
    return !isGoneIn(book, account) && (book.acks.get(accountKey(account))?.version ?? 0) < version
  })
}

function isGoneIn(book: SignerBook, account: Account): boolean {
  const name = accountKey(account)
  return newestOf(book).manifest.closed.some((entry) => accountKey(entry.account) === name)
}

/** @throws {ChangeRefused} when more could be spent than before and than the limit, in some period */
function mustFit(
  rules: SigningRules,
  book: SignerBook,
  next: Manifest,
  { nowMs, exempt }: { nowMs: number; exempt: Period | undefined },
): void {
  const { manifest } = newestOf(book)
  const [before, after] = [reckon(rules, book, manifest), reckon(rules, book, manifest, next)]
  for (const dimension of ['day', 'month'] as const) {
    const settled = dimension === 'day' ? next.restored?.beforeDay : next.restored?.beforeMonth
    for (const period of after.periods(firstOpen(dimension, next, nowMs))) {
      const isFixed = settled !== undefined && period < settled && period !== exempt
      if (!isFixed && after.sum(period) <= after.limit(period)) continue
      if (!raises(before, after, period)) continue
      // An ack may claim any sum: together they can be more than an amount holds.
      const [sum, limit] = [after.sum(period), after.limit(period)].map((of) => formatUsd(of as NanoUsd))
      const figures = `${sum}, of ${limit}`
      throw new ChangeRefused('over-limit', `${period} could cost ${figures}`)
    }
  }
}

/** Whether anybody could open a period with more, or gets a mint. */
function raises(before: Reckoning, after: Reckoning, period: Period): boolean {
  const listed = new Set(before.mints(period).map(({ id }) => id))
  if (after.mints(period).some(({ id }) => !listed.has(id))) return true
  return after.accounts.some((account) => after.believed(account, period) > before.believed(account, period))
}

/**
 * Where the running days and months stand, and the next ones that a change made now moves: for the owner's words.
 * Ascending, days first.
 */
export function sumsOf(book: SignerBook, nowMs: number): readonly PeriodSum[] {
  const { manifest } = newestOf(book)
  const reckoning = reckon(SIGNING_RULES, book, manifest)
  const periods = (['day', 'month'] as const).flatMap((dimension) => {
    const [running, next] = [periodAt(dimension, nowMs), firstUnopened(dimension, manifest, nowMs)]
    return [...new Set([running, ...reckoning.periods(running).filter((period) => period < next), next])]
  })
  return periods.map((period) => {
    const [limit, believed] = [limitOf(manifest, period) ?? 0n, reckoning.sum(period)]
    const waitingFor = reckoning.accounts.filter((account) => isAwaited(account, period, book, reckoning))
    return { period, limit, believed, waitingFor, mayExceedBy: believed > limit ? believed - limit : 0n }
  })
}

/** Whether its next ack would lower what it may have opened. */
function isAwaited(account: Account, period: Period, book: SignerBook, { believed }: Reckoning): boolean {
  const { manifest } = newestOf(book)
  const name = accountKey(account)
  const ack = book.acks.get(name)
  if (ack?.opened.some((entry) => entry.period === period) === true || ack?.version === manifest.version) return false
  const acknowledged = new Map(book.acks).set(name, {
    ...{ v: 1, account, seq: (ack?.seq ?? 0) + 1, opened: [] },
    ...{ version: manifest.version, manifest: Uint8Array.from(newestOf(book).hash) },
  })
  const then = reckon(SIGNING_RULES, { ...book, acks: acknowledged }, manifest)
  return then.believed(account, period) < believed(account, period)
}
