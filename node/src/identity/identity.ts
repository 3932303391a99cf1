import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { peerIdFromPublicKey, type Signer } from '@bzzz/protocols'
import { ConfigError, notADirectory } from '../config/errors.ts'

/** A node's (or the mesh owner's) Ed25519 key. The seed leaves this folder only towards libp2p's own identity. */
export interface Identity extends Signer {
  /** Ed25519 seed (RFC 8032 §5.1.5), 32 bytes. */
  readonly seed: Uint8Array
}

// RFC 8410 §7: PKCS#8 of an Ed25519 private key, up to the seed
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

export function identityFromSeed(seed: Uint8Array): Identity {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = rawPublicKey(key)
  return { seed, publicKey, peer: peerIdFromPublicKey(publicKey), sign: (message) => sign(null, message, key) }
}

function rawPublicKey(key: KeyObject): Uint8Array {
  return Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32))
}

/** Writes a new key file that only its owner may read. @throws if the file exists */
export async function createIdentity(path: string, randomBytes: (length: number) => Uint8Array): Promise<Identity> {
  const seed = randomBytes(32)
  await writeFile(path, `${Buffer.from(seed).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  return identityFromSeed(seed)
}

/** @throws {ConfigError} NOT_INITIALISED when there is none, CONFIG_INVALID when it is not a key */
export async function readIdentity(path: string): Promise<Identity> {
  const text = await readKeyFile(path)
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new ConfigError(
      'CONFIG_INVALID',
      `${path}: not a key file (64 hexadecimal digits); restore this node's folder from its backup, since a new key is a new node`,
    )
  return identityFromSeed(Buffer.from(text, 'hex'))
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOTDIR') throw notADirectory(dirname(path), cause)
    if (code === 'ENOENT') {
      throw new ConfigError('NOT_INITIALISED', `there is no mesh in ${dirname(path)}; run "bzzz init" first`, { cause })
    }
    throw new ConfigError('CONFIG_UNREADABLE', `cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
}
