import { equalBytes, type OpenedManifest } from '@bzzz/protocols'
import { ConfigError } from '../config/errors.ts'
import { type Identity, readIdentity } from '../identity/identity.ts'

/**
 * The key that signs the list of members. Read for each use: it may lie on a medium that is not always there.
 * @throws {ConfigError} with what to do where it is not at hand, or another mesh's
 */
export async function readOwnerKey(path: string, { manifest }: OpenedManifest): Promise<Identity> {
  const owner = await readIdentity(path).catch((cause: unknown) => {
    if (!(cause instanceof ConfigError)) throw cause
    if (cause.code === 'NOT_INITIALISED') throw notHere(path, manifest.members[0]?.label, cause)
    throw notReadable(path, manifest.network, cause)
  })
  if (equalBytes(owner.publicKey, manifest.owner)) return owner
  throw new ConfigError('OWNER_KEY_MISSING', `${path} is not the owner key of the mesh ${manifest.network}`)
}

function notReadable(path: string, network: string, cause: ConfigError): ConfigError {
  const found =
    cause.code === 'CONFIG_INVALID' ? `${path} holds no key, which is one line of 64 hexadecimal digits` : cause.message
  return new ConfigError(
    'OWNER_KEY_MISSING',
    `${found}: put the owner key of the mesh ${network} there, from its backup, and ask again`,
    { cause },
  )
}

function notHere(path: string, founder: string | undefined, cause: unknown): ConfigError {
  return new ConfigError(
    'OWNER_KEY_MISSING',
    `this node does not hold the mesh's owner key (no file ${path}); it was put into the data directory of ${founder} when the mesh was founded: run this there, or name the key's file in BZZZ_OWNER_KEY_FILE and start this node again`,
    { cause },
  )
}
