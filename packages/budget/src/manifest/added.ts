import {
  equalBytes,
  type Manifest,
  type Member,
  type OpenedManifest,
  openManifest,
  type Signer,
  sealManifest,
} from '@bzzz/protocols'

/**
 * The version after `newest`, in which one member more stands and nothing else differs: without rights, so no amount that
 * any account may spend changes, and no account's word is needed.
 * @throws {RangeError} for a signer that is not the owner @throws {ProtocolError} BAD_SHAPE for what a manifest cannot hold
 */
export function signAddedMember(
  newest: OpenedManifest,
  member: Member & { readonly role: 'laptop' },
  owner: Signer,
): OpenedManifest {
  const { manifest, mesh, hash } = newest
  if (!equalBytes(owner.publicKey, manifest.owner)) throw new RangeError(`${owner.peer} is not the owner of ${mesh}`)
  const body: Manifest = {
    ...manifest,
    version: manifest.version + 1,
    prevHash: Uint8Array.from(hash),
    members: [...manifest.members, member],
  }
  return openManifest(sealManifest(body, mesh, owner), mesh)
}
