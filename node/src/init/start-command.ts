import { ConfigError } from '../config/errors.ts'
import { readIdentity } from '../identity/identity.ts'
import { dataDirectory } from './data-directory.ts'
import { readJoined } from './mesh-file.ts'

/** With which a data directory is run, for words that tell people so. */
export async function startCommand(directory: string): Promise<string> {
  return `bzzz ${(await isLaptop(directory)) ? 'laptop up' : 'up'} --data-dir ${directory}`
}

/** What to do where no node runs. */
export async function startWords(directory: string): Promise<string> {
  const { mesh } = dataDirectory(directory)
  if (await isFounded(mesh)) return `start it with "${await startCommand(directory)}"`
  return `there is no mesh yet: found one with "bzzz init --data-dir ${directory}", or come into one with "bzzz join"`
}

/** A file that cannot be read counts: starting it tells what is wrong. */
async function isFounded(mesh: string): Promise<boolean> {
  try {
    await readJoined(mesh)
    return true
  } catch (error) {
    if (error instanceof ConfigError) return error.code !== 'NOT_INITIALISED'
    throw error
  }
}

/** The first manifest names all that were there at the founding. */
async function isLaptop(directory: string): Promise<boolean> {
  const { mesh, nodeKey } = dataDirectory(directory)
  try {
    const [{ first, joinedAs }, { peer }] = await Promise.all([readJoined(mesh), readIdentity(nodeKey)])
    return (joinedAs ?? first.manifest.members.find((member) => member.peer === peer)?.role) === 'laptop'
  } catch (error) {
    if (error instanceof ConfigError) return false // not whole: starting it tells what is missing
    throw error
  }
}
