import { type ManifestChange, type SignerBook, signChange, sumsOf, trimmed } from '@bzzz/budget'
import {
  type Account,
  type Ack,
  accountKey,
  type MeshId,
  type OpenedManifest,
  openAck,
  type PeerId,
  ProtocolError,
  type Signer,
} from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { ConfigError } from '../config/errors.ts'
import { MAX_VERSIONS } from '../membership/chain.ts'
import type { Change, Membership } from '../membership/membership.ts'

/** What the owner's key signs is decided here, from a book that is on disk: versions since the oldest ack that counts, and acks. */
export interface Owner {
  /** In force, and synced to disk, when it resolves with `signed`. @throws {ConfigError} where the owner's key is not at hand */
  change(change: ManifestChange): Promise<Changed>
  /** What {@link change} would answer now; it changes nothing. */
  check(change: ManifestChange): Promise<Changed>
  /** For a change that is written together with something else. @param newest as {@link Membership.change} shows it */
  sign(newest: OpenedManifest, change: ManifestChange): Promise<Changed & { readonly next?: OpenedManifest }>
  /** What the limits stand at, by the acks that are here. */
  sums(): ReturnType<typeof sumsOf>
  /** Accounts of nodes, and which version each has confirmed; 0: none that is known here. */
  confirmed(): readonly { readonly account: Account; readonly version: number }[]
  /** Resolves once an account has confirmed a version, or with the signal. */
  untilConfirmed(account: Account, version: number, signal: AbortSignal): Promise<void>
  /** The chain that is here was not continued here last: something of it may be missing. */
  needsRestore(): boolean
  /** An ack that came in, or this node's own. @throws {ProtocolError} for what no honest node sends */
  onAck(ack: Uint8Array, from: PeerId): Promise<void>
  close(): Promise<void>
}

export type Changed =
  | { readonly status: 'signed'; readonly version: number }
  | { readonly status: 'unchanged'; readonly version: number }
  | { readonly status: 'refused'; readonly code: string; readonly reason: string }

export type OwnerFact =
  | { readonly type: 'ack-kept'; readonly account: Account; readonly version: number }
  | { readonly type: 'rights-advanced'; readonly version: number }
  | { readonly type: 'advance-failed'; readonly error: unknown }

export interface OwnerOptions {
  readonly mesh: MeshId
  /** The membership's own; keys `a/<account>`. */
  readonly room: Room
  readonly membership: Membership
  /** Of this node's ledger; null on a laptop. */
  readonly account: Account | null
  /** @throws {ConfigError} OWNER_KEY_MISSING */
  readonly owner: () => Promise<Signer>
  readonly now: () => number
  /** Why `now` cannot be gone by. Without it, it always can. */
  readonly clockDoubt?: () => string | undefined
  /** Kept at most. Tests make it small. */
  readonly maxVersions?: number
  readonly observe?: (fact: OwnerFact) => void
}

const PREFIX = 'a/'
/** What helps where a node does not confirm: an eighth of the versions that are kept is left for it. */
const ENDS_WAITING: ReadonlySet<ManifestChange['kind']> = new Set(['remove-member', 'adopt', 'heal', 'restore'])
/** Members, and the accounts that they had before. */
const MAX_ACKS = 256

export async function openOwner(options: OwnerOptions): Promise<Owner> {
  const { mesh, room, membership, now, maxVersions = MAX_VERSIONS, observe } = options
  const acks = new Map<string, Ack>()
  for await (const [, value] of room.entries({ gt: PREFIX, lt: `${PREFIX}~` })) {
    const ack = openAck(value, mesh)
    acks.set(accountKey(ack.account), ack)
  }
  const listeners = new Set<() => void>()
  let isClosed = false
  let advancing: Promise<void> | undefined
  let again = false

  const book = (): SignerBook => ({ versions: membership.versions(), acks, forks: membership.forks() })

  async function sign(newest: OpenedManifest, change: ManifestChange): ReturnType<Owner['sign']> {
    const owner = await options.owner()
    const objection = objectionTo(change, newest)
    if (objection !== undefined) return objection
    const signed = signChange(book(), change, { owner, now: now() })
    if (signed.status === 'refused') return signed
    if (signed.status === 'unchanged') return { status: 'unchanged', version: newest.manifest.version }
    return { status: 'signed', version: signed.next.manifest.version, next: signed.next }
  }

  /**
   * A chain of which something may be missing here must not be continued: what is missing may give rights that others use. Nor by a
   * clock that is far ahead: what was given for the running periods would be forgotten as if they were over, and given again.
   */
  function objectionTo(
    { kind }: ManifestChange,
    newest: OpenedManifest,
  ): Extract<Changed, { status: 'refused' }> | undefined {
    const doubt = options.clockDoubt?.()
    if (doubt !== undefined) return refused('CLOCK', `nothing is signed by this clock: ${doubt}`)
    // Those that nobody needs any more are forgotten with the next one.
    const needed = trimmed(book(), now()).versions.length
    if (needed >= (ENDS_WAITING.has(kind) ? maxVersions : maxVersions - maxVersions / 8))
      return refused(
        'UNCONFIRMED',
        `${needed} versions wait for a node that has not confirmed them: remove or adopt it, or start it`,
      )
    if (kind === 'restore' || kind === 'heal' || !needsRestore(newest)) return undefined
    return refused('RESTORE_NEEDED', RESTORE_WORDS)
  }

  function needsRestore(newest: OpenedManifest): boolean {
    return (!membership.signedHere() && !isFounder(newest)) || hasLostLedger(newest)
  }

  /** What the chain was put back to together with an older ledger may not be the newest that was signed here. */
  function hasLostLedger({ manifest }: OpenedManifest): boolean {
    const { account } = options
    if (account === null) return false
    const own = manifest.weights.filter((each) => each.account.peer === account.peer)
    return own.length > 0 && own.every((each) => accountKey(each.account) !== accountKey(account))
  }

  /** With the ledger that it was founded with: whoever lost that has lost later versions with it. */
  function isFounder({ manifest }: OpenedManifest): boolean {
    if (manifest.version > 1) return false
    const { account } = options
    return account === null || manifest.allotments.some((each) => accountKey(each.account) === accountKey(account))
  }

  function change(wanted: ManifestChange): Promise<Changed> {
    return membership.change(async (newest): Promise<Change<Changed>> => {
      const { next, ...answer } = await sign(newest, wanted)
      if (answer.status === 'refused') return { operations: [], answer }
      return { ...(next === undefined ? {} : { next }), ...tidied(), answer }
    })
  }

  /** Versions and acks that make no difference any more, as of before the change. */
  function tidied(): { forgetBefore: number; operations: readonly Operation[]; written: () => void } {
    const kept = trimmed(book(), now())
    const over = [...acks.keys()].filter((key) => !kept.acks.has(key))
    return {
      forgetBefore: kept.versions[0]?.manifest.version ?? 1,
      operations: over.map((key) => ({ del: PREFIX + key })),
      written: () => over.forEach((key) => void acks.delete(key)),
    }
  }

  async function keep(ack: Ack, bytes: Uint8Array): Promise<boolean> {
    const key = accountKey(ack.account)
    return await membership.change(async () => {
      const known = acks.get(key)
      const isNews = (known === undefined ? acks.size < MAX_ACKS : known.seq < ack.seq) && isNamed(ack.account)
      const operations: Operation[] = isNews ? [{ put: PREFIX + key, value: bytes }] : []
      return { operations, written: () => void (isNews && acks.set(key, ack)), answer: isNews }
    })
  }

  /** Others need none: they are told again when a version names them. */
  function isNamed(account: Account): boolean {
    const key = accountKey(account)
    return membership.versions().some(({ manifest }) => {
      return [...manifest.allotments, ...manifest.weights].some((each) => accountKey(each.account) === key)
    })
  }

  /** One at a time; what comes meanwhile is looked at once more. Never rejects. */
  function advance(): void {
    again = true
    advancing ??= advanceOnce().finally(() => {
      advancing = undefined
      if (again && !isClosed) advance()
    })
  }

  async function advanceOnce(): Promise<void> {
    again = false
    if (needsRestore(membership.newest())) return
    try {
      const changed = await change({ kind: 'advance' })
      if (changed.status === 'signed') observe?.({ type: 'rights-advanced', version: changed.version })
    } catch (error) {
      if (!(error instanceof ConfigError) && !isClosed) observe?.({ type: 'advance-failed', error })
    }
  }

  const hourly = setInterval(advance, 3_600_000)
  advance()

  return {
    change: async (wanted) => {
      const changed = await change(wanted)
      if (changed.status === 'signed') advance()
      return changed
    },
    async check(wanted) {
      const { next: _, ...answer } = await sign(membership.newest(), wanted)
      return answer
    },
    sign,
    sums: () => sumsOf(book(), now()),
    confirmed: () => {
      const { weights } = membership.newest().manifest
      return weights.map(({ account }) => ({ account, version: acks.get(accountKey(account))?.version ?? 0 }))
    },
    needsRestore: () => needsRestore(membership.newest()),
    untilConfirmed: (account, version, signal) =>
      new Promise((resolve) => {
        const look = () => {
          if (!signal.aborted && (acks.get(accountKey(account))?.version ?? 0) < version) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
        signal.addEventListener('abort', look, { once: true })
        look()
      }),
    async onAck(bytes, from) {
      const ack = openAck(bytes, mesh)
      if (ack.account.peer !== from) throw new ProtocolError('BAD_SHAPE', 'an ack of another account')
      if (!(await keep(ack, bytes))) return
      observe?.({ type: 'ack-kept', account: ack.account, version: ack.version })
      for (const listener of [...listeners]) listener()
      advance()
    },
    async close() {
      isClosed = true
      clearInterval(hourly)
      await advancing
    },
  }
}

const RESTORE_WORDS =
  'the newest version of the manifest was not signed with this data directory: use the machine that signed it, or, if its disk is gone for good, "bzzz owner restore"'

function refused(code: string, reason: string): Extract<Changed, { status: 'refused' }> {
  return { status: 'refused', code, reason }
}
