import { ConfigError } from '../config/errors.ts'
import { readIdentity } from '../identity/identity.ts'
import { dataDirectory } from './data-directory.ts'
import { readJoined } from './mesh-file.ts'

/** With which a data directory is run, for words that tell people so. */
export async function startCommand(directory: string): Promise<string> {
  return `bzzz ${(await isLaptop(directory)) ? 'laptop up' : 'up'} --data-dir ${directory}`
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
