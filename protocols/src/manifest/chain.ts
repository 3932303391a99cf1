import { equalBytes } from '../bytes/cbor.ts'
import { ProtocolError } from '../bytes/errors.ts'
import { type Manifest, type OpenedManifest, openManifest } from './manifest.ts'

/** What a node goes by: the version that founded its mesh, and the newest that it has taken. */
export interface ManifestChain {
  readonly first: OpenedManifest
  readonly newest: OpenedManifest
}

export type Succession =
  /** To be taken in place of the newest. */
  | { readonly status: 'newer' }
  | { readonly status: 'known' }
  /** Of a version before the newest; whether it was ever in force here is not kept. */
  | { readonly status: 'older' }
  /** The owner signed another one with the number of the newest, or on another one: ours stays in force. */
  | { readonly status: 'forked'; readonly version: number }
  /** Nothing that an honest node hands on. */
  | { readonly status: 'refused'; readonly reason: string }

/**
 * Where a version of a mesh's manifest stands to those that a node has.
 * @param offered opened for the mesh that `first` founded
 */
export function successionOf({ first, newest }: ManifestChain, offered: OpenedManifest): Succession {
  if (offered.mesh !== first.mesh) return { status: 'refused', reason: 'of another mesh' }
  if (!equalBytes(offered.manifest.owner, first.manifest.owner))
    return { status: 'refused', reason: 'signed by another key than that of the owner who founded the mesh' }
  const { version, prevHash } = offered.manifest
  const ours = newest.manifest.version
  if (version < ours) return { status: 'older' }
  if (version === ours) {
    return equalBytes(offered.hash, newest.hash) ? { status: 'known' } : { status: 'forked', version }
  }
  if (prevHash === null) return { status: 'refused', reason: `version ${version} names no version before it` }
  if (version === ours + 1 && !equalBytes(prevHash, newest.hash) && !heals(offered.manifest, [newest.hash]))
    return { status: 'forked', version: ours }
  return { status: 'newer' }
}

/**
 * The number of a version that the owner of this mesh signed; whether it follows from another one is not asked.
 * @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE, WRONG_MESH or BAD_SIGNATURE
 */
export function signedVersion(bytes: Uint8Array, { mesh, manifest: { owner } }: OpenedManifest): number {
  const { manifest } = openManifest(bytes, mesh)
  if (!equalBytes(manifest.owner, owner)) throw new ProtocolError('BAD_SIGNATURE', 'not signed by the mesh’s owner')
  if (manifest.version > 1 && manifest.prevHash === null)
    throw new ProtocolError('BAD_SHAPE', `version ${manifest.version} names no version before it`)
  return manifest.version
}

/** Whether a version stands in place of all of these: of both sides of a fork, before an account acknowledges it. */
export function heals(manifest: Pick<Manifest, 'heals'>, forked: readonly Uint8Array[]): boolean {
  return forked.every((hash) => manifest.heals.some((healed) => equalBytes(healed, hash)))
}
