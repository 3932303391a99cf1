import {
  type MeshId,
  type OpenedManifest,
  openManifest,
  type PeerId,
  ProtocolError,
  successionOf,
} from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { ConfigError } from '../config/errors.ts'

/** Who is in the mesh and what may be spent, as of now: the newest manifest that this node has taken. */
export interface Membership {
  readonly mesh: MeshId
  /** Version 1, which founded the mesh. */
  readonly first: OpenedManifest
  newest(): OpenedManifest
  isMember(peer: string): boolean
  isLaptop(peer: string): boolean
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
  /** Told when a newer one came into force. @returns how to stop */
  subscribe(listener: () => void): () => void
}

export interface Change<T> {
  /** Follows the newest; undefined: it stays. */
  readonly next?: OpenedManifest
  readonly operations: readonly Operation[]
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
  /** Of the state: `newest` is the manifest in force, where it is not the first. */
  readonly room: Room
  readonly first: OpenedManifest
  readonly observe?: (fact: MembershipFact) => void
}

const NEWEST = 'newest'

/** @throws {ConfigError} for a manifest on disk that does not follow from the first */
export async function openMembership({ room, first, observe }: MembershipOptions): Promise<Membership> {
  let newest = await readNewest(room, first)
  let byPeer = rolesOf(newest)
  let turn: Promise<unknown> = Promise.resolve()
  const forks = new Set<number>()
  const listeners = new Set<() => void>()

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => undefined) // its caller has the error; the next one only waits for the end
    return done
  }

  async function take(next: OpenedManifest, from: PeerId | null, more: readonly Operation[] = []): Promise<void> {
    await room.write([{ put: NEWEST, value: next.bytes }, ...more])
    newest = next
    byPeer = rolesOf(next)
    observe?.({ type: 'manifest-adopted', version: next.manifest.version, members: byPeer.size, from })
    for (const listener of listeners) listener()
  }

  async function weigh(offered: OpenedManifest, from: PeerId | null): Promise<void> {
    const succession = successionOf({ first, newest }, offered)
    switch (succession.status) {
      case 'newer':
        return take(offered, from)
      case 'refused':
        throw new ProtocolError('BAD_SIGNATURE', `manifest: ${succession.reason}`)
      case 'forked':
        if (!forks.has(succession.version)) observe?.({ type: 'manifest-forked', version: succession.version, from })
        forks.add(succession.version)
        return
      case 'known':
      case 'older':
        return
    }
  }

  return {
    mesh: first.mesh,
    first,
    newest: () => newest,
    isMember: (peer) => byPeer.has(peer),
    isLaptop: (peer) => byPeer.get(peer) === 'laptop',
    receive: async (bytes, from) => {
      const offered = openManifest(bytes, first.mesh)
      await inTurn(() => weigh(offered, from))
    },
    change: (decide) =>
      inTurn(async () => {
        const { next, operations, written, answer } = await decide(newest)
        if (next !== undefined) await take(next, null, operations)
        else if (operations.length > 0) await room.write(operations)
        written?.()
        return answer
      }),
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

/** A manifest for a data directory that no node has opened yet. */
export async function keepNewest(room: Pick<Room, 'write'>, newest: OpenedManifest): Promise<void> {
  await room.write([{ put: NEWEST, value: newest.bytes }])
}

async function readNewest(room: Room, first: OpenedManifest): Promise<OpenedManifest> {
  const bytes = await room.get(NEWEST)
  if (bytes === undefined) return first
  const kept = openManifest(bytes, first.mesh)
  const { status } = successionOf({ first, newest: first }, kept)
  if (status === 'newer' || status === 'known') return kept
  throw new ConfigError(
    'CONFIG_INVALID',
    `mesh.json and the newest manifest in this data directory's state do not belong together (${status}): mesh.json is another mesh's, or was replaced`,
  )
}

function rolesOf({ manifest }: OpenedManifest): ReadonlyMap<string, 'node' | 'laptop'> {
  return new Map(manifest.members.map(({ peer, role }) => [peer, role]))
}
