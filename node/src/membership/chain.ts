import { equalBytes, type OpenedManifest, openManifest, successionOf } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { ConfigError } from '../config/errors.ts'

/**
 * The manifests that a node has on disk: the newest; the versions before it that may still be the last that some account
 * acknowledged; and versions that contradict one of them under its number. Keys: `newest`, `v/<number>`, `f/<hash>`, and
 * `signed`, the hash of the newest that this node signed itself.
 */
export interface ChainState {
  readonly newest: OpenedManifest
  /** Ascending, up to the newest. */
  readonly versions: readonly OpenedManifest[]
  readonly forks: readonly OpenedManifest[]
  /** Hexadecimal. */
  readonly signed: string | undefined
}

/** More are needed only while an account has not answered for so long: the oldest are forgotten then. */
export const MAX_VERSIONS = 256
/** Each is an owner's key in use in two places. */
const MAX_FORKS = 16

const NEWEST = 'newest'
const SIGNED = 'signed'

/** @throws {ConfigError} for a manifest on disk that does not follow from the first */
export async function readChain(room: Room, first: OpenedManifest): Promise<ChainState> {
  const newest = await readNewest(room, first)
  const kept = await readAll(room, 'v/', first)
  const versions = kept.filter(({ manifest }) => manifest.version < newest.manifest.version)
  const signed = await room.get(SIGNED)
  return {
    newest,
    // Of a directory that only ever took the newest, the first is at hand all the same.
    versions: [...(kept.length === 0 && newest.manifest.version > 1 ? [first] : versions), newest],
    forks: await readAll(room, 'f/', first),
    signed: signed && Buffer.from(signed).toString('hex'),
  }
}

/** One newer, or the same with fewer old ones: what is to be written, and what holds once that is on disk. */
export interface ChainStep {
  readonly operations: readonly Operation[]
  readonly state: ChainState
}

export function stepTo(state: ChainState, next: OpenedManifest, by: 'us' | 'others'): ChainStep {
  const versions = [...state.versions, next]
  const dropped = versions.splice(0, Math.max(0, versions.length - MAX_VERSIONS))
  const previous = state.newest
  return {
    operations: [
      { put: NEWEST, value: next.bytes },
      { put: versionKey(previous), value: previous.bytes },
      { put: versionKey(next), value: next.bytes },
      ...dropped.map((each) => ({ del: versionKey(each) })),
      ...(by === 'us' ? [{ put: SIGNED, value: next.hash }] : []),
    ],
    state: { ...state, newest: next, versions, signed: by === 'us' ? hex(next.hash) : state.signed },
  }
}

/** A version that contradicts another under its number; undefined when it is known, or there is no room for more. */
export function stepAside(state: ChainState, fork: OpenedManifest): ChainStep | undefined {
  const isKnown = [...state.forks, ...state.versions].some(({ hash }) => equalBytes(hash, fork.hash))
  if (isKnown || state.forks.length >= MAX_FORKS) return undefined
  return {
    operations: [{ put: forkKey(fork), value: fork.bytes }],
    state: { ...state, forks: [...state.forks, fork] },
  }
}

/** Forgets what was before a version that everybody acknowledged. */
export function stepWithout(state: ChainState, before: number): ChainStep {
  const isOld = ({ manifest }: OpenedManifest) => manifest.version < before
  const isOver = (fork: OpenedManifest) => isOld(fork) && !isContested(state, fork)
  const [versions, forks] = [state.versions.filter(isOld), state.forks.filter(isOver)]
  return {
    operations: [
      ...versions.map((each) => ({ del: versionKey(each) })),
      ...forks.map((each) => ({ del: forkKey(each) })),
    ],
    state: {
      ...state,
      versions: state.versions.filter((each) => !isOld(each)),
      forks: state.forks.filter((each) => !isOver(each)),
    },
  }
}

/** Until a later version names both hashes, nobody acknowledges either. */
export function isContested({ newest }: Pick<ChainState, 'newest'>, fork: OpenedManifest): boolean {
  return !newest.manifest.heals.some((hash) => equalBytes(hash, fork.hash))
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

async function readAll(room: Room, prefix: string, { mesh }: OpenedManifest): Promise<OpenedManifest[]> {
  const found: OpenedManifest[] = []
  for await (const [, value] of room.entries({ gt: prefix, lt: `${prefix}~` })) found.push(openManifest(value, mesh))
  return found
}

function versionKey({ manifest }: OpenedManifest): string {
  return `v/${String(manifest.version).padStart(16, '0')}`
}

function forkKey({ hash }: OpenedManifest): string {
  return `f/${hex(hash)}`
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
