import { readFile, writeFile } from 'node:fs/promises'
import { type OpenedManifest, openManifest } from '@bzzz/protocols'
import { z } from 'zod'
import { ConfigError } from '../config/errors.ts'

const shape = z.strictObject({
  v: z.literal(1),
  mesh: z.string(),
  manifest: z.base64(),
  /** As what this machine joined; founders stand in the manifest. */
  joined_as: z.enum(['node', 'laptop']).optional(),
})
type JoinedAs = z.infer<typeof shape>['joined_as']

export async function writeMeshFile(path: string, manifest: OpenedManifest, joinedAs?: JoinedAs): Promise<void> {
  const bytes = Buffer.from(manifest.bytes).toString('base64')
  const content = { v: 1, mesh: manifest.mesh, manifest: bytes, joined_as: joinedAs }
  await writeFile(path, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flush: true })
}

/** @throws {ConfigError} when the file is missing, not a manifest, or not signed by the owner it names */
export async function readMeshFile(path: string): Promise<OpenedManifest> {
  return (await readJoined(path)).first
}

/** @throws {ConfigError} as {@link readMeshFile} */
export async function readJoined(path: string): Promise<{ first: OpenedManifest; joinedAs: JoinedAs }> {
  try {
    const { manifest, joined_as: joinedAs } = shape.parse(JSON.parse(await readFile(path, 'utf8')))
    return { first: openManifest(Buffer.from(manifest, 'base64'), 'first'), joinedAs }
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
