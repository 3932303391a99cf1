import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { ConfigError } from '../config/errors.ts'
import type { Config } from '../config/load.ts'
import type { DataDirectory } from '../init/data-directory.ts'

/** The mesh's shared secret, 32 bytes. @throws {ConfigError} */
export async function readSecret({ values, provenance }: Config, paths: DataDirectory): Promise<Uint8Array> {
  const text = values.network_secret ?? (await readKept(paths.networkSecret))
  const from = values.network_secret === undefined ? paths.networkSecret : provenance.network_secret.from
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new ConfigError(
      'CONFIG_INVALID',
      `${from}: the network secret must be 64 hexadecimal digits; ${SECRET_REMEDY}`,
    )
  return Buffer.from(text, 'hex')
}

const SECRET_REMEDY = 'copy network.secret from another node of this mesh, they all have the same'

async function readKept(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new ConfigError('CONFIG_UNREADABLE', `cannot read ${path}: ${(cause as Error).message}; ${SECRET_REMEDY}`, {
      cause,
    })
  }
}

/** Made at the first start; the file may be read by its owner only, which is what lets the command line in. */
export async function localToken({ values }: Config, paths: DataDirectory): Promise<string> {
  const kept = await readFile(paths.token, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const token = values.token ?? (kept.trim() === '' ? randomBytes(32).toString('base64url') : kept.trim())
  if (token !== kept.trim()) await writeFile(paths.token, `${token}\n`, { mode: 0o600 })
  return token
}
