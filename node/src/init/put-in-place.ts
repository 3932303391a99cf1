import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ConfigError, notADirectory } from '../config/errors.ts'
import { dataDirectory } from './data-directory.ts'
import { startCommand } from './start-command.ts'

/** @returns the uppermost folder that was made, if any */
export async function makeFolder(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // What Node also says where nothing can be made, as on a disk that is mounted read-only: one folder alone tells the truth.
    let uppermost = path
    while (!(await exists(dirname(uppermost), path))) uppermost = dirname(uppermost)
    await mkdir(uppermost, { mode: 0o700 })
    throw error
  }
}

/** A folder may hold the operator's own settings and `config` files; what a node writes must not be there yet. */
export async function refuseExisting(target: string): Promise<void> {
  const { nodeKey, mesh, state } = dataDirectory(target)
  for (const path of [nodeKey, mesh, state]) {
    if (!(await exists(path, target))) continue
    throw new ConfigError(
      'ALREADY_INITIALISED',
      `${target} already belongs to a mesh (${path} is there); start it with "${await startCommand(target)}", or name another directory`,
    )
  }
}

export async function exists(path: string, target: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    if (code === 'ENOTDIR') throw notADirectory(target, error)
    throw new ConfigError('CONFIG_UNREADABLE', `cannot look into ${target}: ${message}`, { cause: error })
  }
}

/** All, or nothing: what the operator had in the folders is as it was when it fails. Renaming back needs no room on the disk. */
export async function moveAll(targets: readonly string[], aside: string): Promise<void> {
  const undo: (() => Promise<void>)[] = []
  try {
    for (const [index, target] of targets.entries()) {
      const from = join(aside, String(index))
      if ((await mkdir(target, { recursive: true, mode: 0o700 })) !== undefined) undo.push(() => rmdir(target))
      await keepOwnSettings(dataDirectory(target).settings, dataDirectory(from).settings)
      for (const name of await inOrder(from)) {
        const [place, kept] = [join(target, name), join(aside, `${index}-${name}`)]
        if (await exists(place, target)) {
          await rename(place, kept)
          undo.push(() => rename(kept, place))
        }
        await rename(join(from, name), place)
        undo.push(() => rm(place, { recursive: true, force: true }))
      }
    }
  } catch (error) {
    for (const step of undo.reverse()) await step()
    throw error
  }
}

/** The key comes last, as the mark of a whole node. */
async function inOrder(from: string): Promise<string[]> {
  return (await readdir(from)).sort((a, b) => Number(a === 'node.key') - Number(b === 'node.key'))
}

/** What the operator had written stays; what founding decides (name, agents, ports) is set over it. */
async function keepOwnSettings(own: string, made: string): Promise<void> {
  if (!(await exists(own, dirname(own)))) return
  const [before, founded] = await Promise.all([own, made].map(async (path) => JSON.parse(await readFile(path, 'utf8'))))
  await writeFile(made, `${JSON.stringify({ ...before, ...founded }, null, 2)}\n`, { mode: 0o600 })
}
