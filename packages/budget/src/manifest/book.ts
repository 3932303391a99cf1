import { type Account, type Ack, accountKey, equalBytes, type Manifest, type OpenedManifest } from '@bzzz/protocols'
import { periodAt } from '../periods/charged.ts'

/** What the owner of a mesh knows of its manifests: enough to say what every account may still open. Changed only by replacing it. */
export interface SignerBook {
  /** Ascending, from the oldest that counts to the newest; numbers may be skipped. */
  readonly versions: readonly OpenedManifest[]
  /** The newest of each account, by {@link accountKey}. */
  readonly acks: ReadonlyMap<string, Ack>
  /** Signed with the owner's key too, and none of `versions`: accounts may have acknowledged them. */
  readonly forks: readonly OpenedManifest[]
}

/** @throws {RangeError} for a book without a version */
export function newestOf({ versions }: SignerBook): OpenedManifest {
  const newest = versions.at(-1)
  if (newest === undefined) throw new RangeError('a book of manifests holds one at least')
  return newest
}

/** Those that nothing in the newest version's line stands for yet. */
export function unhealed(book: SignerBook): OpenedManifest[] {
  const { heals } = newestOf(book).manifest
  return book.forks.filter(({ hash }) => !heals.some((healed) => equalBytes(healed, hash)))
}

/** @param ack opened, of a member; repeats and older ones change nothing */
export function withAck(book: SignerBook, ack: Ack): SignerBook {
  const name = accountKey(ack.account)
  const before = book.acks.get(name)
  return before !== undefined && before.seq >= ack.seq ? book : { ...book, acks: new Map(book.acks).set(name, ack) }
}

/** @param next opened, and following the newest */
export function withVersion(book: SignerBook, next: OpenedManifest): SignerBook {
  return { ...book, versions: [...book.versions, next] }
}

/** Every version that an account may have acknowledged, ascending. */
export function allVersions({ versions, forks }: SignerBook): Manifest[] {
  return [...versions, ...forks].map(({ manifest }) => manifest).sort((a, b) => a.version - b.version)
}

/**
 * Without what can make no difference any more: versions before the oldest that some account may still open periods by, and acks
 * of accounts that are gone.
 */
export function trimmed(book: SignerBook, nowMs: number): SignerBook {
  const { manifest } = newestOf(book)
  const living = accountsIn(book).filter((account) => !isOver(account, manifest, nowMs))
  const oldest = Math.min(manifest.version, ...living.map((account) => oldestFor(book, account)))
  const names = new Set(living.map(accountKey))
  return {
    versions: book.versions.filter((one) => one.manifest.version >= oldest),
    acks: new Map([...book.acks].filter(([name]) => names.has(name))),
    forks: book.forks.filter((one) => one.manifest.version >= oldest || unhealed(book).includes(one)),
  }
}

/** All that have rights of their own in any version, are to have some, or opened a period with some. */
export function accountsIn(book: SignerBook, more: readonly Manifest[] = []): Account[] {
  const named = [...allVersions(book), ...more].flatMap(({ allotments, weights }) => [...allotments, ...weights])
  const telling = [...book.acks.values()].filter(({ opened }) => opened.some(({ initial }) => initial > 0n))
  const accounts = [...named, ...telling].map(({ account }) => [accountKey(account), account] as const)
  return [...new Map(accounts).values()]
}

function oldestFor(book: SignerBook, account: Account): number {
  const name = accountKey(account)
  const ack = book.acks.get(name)
  if (ack !== undefined) return ack.version
  const names = ({ allotments, weights }: Manifest): boolean =>
    [...allotments, ...weights].some((entry) => accountKey(entry.account) === name)
  return allVersions(book).find(names)?.version ?? Number.POSITIVE_INFINITY
}

/** Gone, and nothing that it opened is checked any more. */
function isOver(account: Account, { closed, clockSkewMs }: Manifest, nowMs: number): boolean {
  const earliestMs = nowMs - 3 * clockSkewMs
  const entry = closed.find((one) => accountKey(one.account) === accountKey(account))
  if (entry === undefined) return false
  return entry.fromDay <= periodAt('day', earliestMs) && entry.fromMonth <= periodAt('month', earliestMs)
}
