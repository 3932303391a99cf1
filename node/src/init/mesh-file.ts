import { readFile, writeFile } from 'node:fs/promises'
import { type OpenedManifest, openManifest } from '@bzzz/protocols'
import { z } from 'zod'
import { ConfigError } from '../config/errors.ts'

const shape = z.strictObject({ v: z.literal(1), mesh: z.string(), manifest: z.base64() })

export async function writeMeshFile(path: string, manifest: OpenedManifest): Promise<void> {
  const content = { v: 1, mesh: manifest.mesh, manifest: Buffer.from(manifest.bytes).toString('base64') }
  await writeFile(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flush: true })
}

/** @throws {ConfigError} when the file is missing, not a manifest, or not signed by the owner it names */
export async function readMeshFile(path: string): Promise<OpenedManifest> {
  try {
    const { manifest } = shape.parse(JSON.parse(await readFile(path, 'utf8')))
    return openManifest(Buffer.from(manifest, 'base64'), 'first')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new ConfigError(
        'NOT_INITIALISED',
        `there is no mesh in ${path.replace(/\/[^/]*$/, '')}; run "bzzz init" first`,
        { cause },
      )
    }
    throw new ConfigError(
      'CONFIG_INVALID',
      `${path}: not a valid manifest (${(cause as Error).message}); copy mesh.json from another node of this mesh, they all have the same`,
      { cause },
    )
  }
}
