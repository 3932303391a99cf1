import {
  equalBytes,
  type MeshId,
  type OpenedManifest,
  openManifest,
  type PeerId,
  ProtocolError,
  successionOf,
} from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { type ChainState, type ChainStep, isContested, readChain, stepAside, stepTo, stepWithout } from './chain.ts'

/** Who is in the mesh and what may be spent, as of now: the newest manifest that this node has taken. */
export interface Membership {
  readonly mesh: MeshId
  /** Version 1, which founded the mesh. */
  readonly first: OpenedManifest
  newest(): OpenedManifest
  /** Ascending, up to the newest: those that may still be the last that some account acknowledged. */
  versions(): readonly OpenedManifest[]
  /** Others with the number of one of them. */
  forks(): readonly OpenedManifest[]
  /** The owner's key signed two versions with one number, and none since that stands in place of both. */
  contested(): boolean
  /** Whether the newest was signed by this node. */
  signedHere(): boolean
  isMember(peer: string): boolean
  isLaptop(peer: string): boolean
  /** Whether it is none now, and was one: a version that is still known named it, or the newest closes an account of it. */
  wasMember(peer: string): boolean
  /**
   * What a peer hands on. In force, and synced to disk, when it resolves, if it is newer.
   * @throws {ProtocolError} for what no honest node hands on; {StateError}
   */
  receive(manifest: Uint8Array, from: PeerId | null): Promise<void>
  /**
   * One change at a time: `decide` sees the newest, and what it signs is written in one batch with what it says besides.
   * @throws what `decide` throws; {StateError}
   */
  change<T>(decide: (newest: OpenedManifest) => Change<T> | Promise<Change<T>>): Promise<T>
  /** Told when a newer one came into force, or a contradicting one was met. @returns how to stop */
  subscribe(listener: () => void): () => void
}

export interface Change<T> {
  /** Follows the newest; undefined: it stays. */
  readonly next?: OpenedManifest
  readonly operations: readonly Operation[]
  /** Versions before this one are of no use any more. */
  readonly forgetBefore?: number
  /** Called once they are on disk, before anything else is decided. */
  readonly written?: () => void
  readonly answer: T
}

export type MembershipFact =
  | {
      readonly type: 'manifest-adopted'
      readonly version: number
      readonly members: number
      readonly from: PeerId | null
    }
  /** The owner's key signed two versions with one number: it is in use in two places. Told once a version and run. */
  | { readonly type: 'manifest-forked'; readonly version: number; readonly from: PeerId | null }

export interface MembershipOptions {
  /** Of the state: what {@link ChainState} says. */
  readonly room: Room
  readonly first: OpenedManifest
  readonly observe?: (fact: MembershipFact) => void
}

/** @throws {ConfigError} for a manifest on disk that does not follow from the first */
export async function openMembership({ room, first, observe }: MembershipOptions): Promise<Membership> {
  let chain: ChainState = await readChain(room, first)
  let byPeer = rolesOf(chain.newest)
  let named = everNamed(first, chain)
  let turn: Promise<unknown> = Promise.resolve()
  const warned = new Set<number>()
  const listeners = new Set<() => void>()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => undefined) // its caller has the error; the next one only waits for the end
    return done
  }

  async function keep({ operations, state }: ChainStep): Promise<void> {
    if (operations.length > 0) await room.write(operations)
    chain = state
    named = everNamed(first, chain)
  }

  function tell(): void {
    for (const listener of listeners) listener()
  }

  /** @param before what is written with it, in one batch */
  async function take(next: OpenedManifest, from: PeerId | null, before: Partial<ChainStep> = {}): Promise<void> {
    const step = stepTo(before.state ?? chain, next, from === null ? 'us' : 'others')
    await keep({ ...step, operations: [...(before.operations ?? []), ...step.operations] })
    byPeer = rolesOf(next)
    observe?.({ type: 'manifest-adopted', version: next.manifest.version, members: byPeer.size, from })
    tell()
  }

  async function remember(fork: OpenedManifest, version: number, from: PeerId | null): Promise<void> {
    if (!warned.has(version)) observe?.({ type: 'manifest-forked', version, from })
    warned.add(version)
    const step = stepAside(chain, fork)
    if (step === undefined) return
    await keep(step)
    tell()
  }

  /** A peer that was away since the fork brings the other side of it. */
  async function rememberOlder(offered: OpenedManifest, from: PeerId | null): Promise<void> {
    const { version } = offered.manifest
    const ours = chain.versions.find(({ manifest }) => manifest.version === version)
    if (ours !== undefined && !equalBytes(ours.hash, offered.hash)) await remember(offered, version, from)
  }

  async function weigh(offered: OpenedManifest, from: PeerId | null): Promise<void> {
    const succession = successionOf({ first, newest: chain.newest }, offered)
    switch (succession.status) {
      case 'newer':
        return take(offered, from)
      case 'refused':
        throw new ProtocolError('BAD_SIGNATURE', `manifest: ${succession.reason}`)
      case 'forked':
        return remember(offered, succession.version, from)
      case 'older':
        return rememberOlder(offered, from)
      case 'known':
        return
    }
  }

  return {
    mesh: first.mesh,
    first,
    newest: () => chain.newest,
    versions: () => chain.versions,
    forks: () => chain.forks,
    contested: () => chain.forks.some((fork) => isContested(chain, fork)),
    signedHere: () => chain.signed === Buffer.from(chain.newest.hash).toString('hex'),
    isMember: (peer) => byPeer.has(peer),
    wasMember: (peer) => named.has(peer) && !byPeer.has(peer),
    isLaptop: (peer) => byPeer.get(peer) === 'laptop',
    receive: async (bytes, from) => {
      const offered = openManifest(bytes, first.mesh)
      await inTurn(() => weigh(offered, from))
    },
    change: (decide) =>
      inTurn(async () => {
        const { next, operations: said, forgetBefore, written, answer } = await decide(chain.newest)
        // Together: an ack of a version that was forgotten would be one of an unknown version.
        const without = forgetBefore === undefined ? undefined : stepWithout(chain, forgetBefore)
        const { state } = without ?? { state: chain }
        const operations = [...(without?.operations ?? []), ...said]
        if (next !== undefined) await take(next, null, { operations, state })
        else await keep({ operations, state })
        written?.()
        return answer
      }),
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function everNamed(first: OpenedManifest, { newest, versions }: ChainState): ReadonlySet<string> {
  const members = [first, ...versions].flatMap(({ manifest }) => manifest.members)
  const gone = newest.manifest.closed.map(({ account }) => account)
  return new Set([...members, ...gone].map(({ peer }) => peer))
}

function rolesOf({ manifest }: OpenedManifest): ReadonlyMap<string, 'node' | 'laptop'> {
  return new Map(manifest.members.map(({ peer, role }) => [peer, role]))
}
