import { ConfigError } from '../config/errors.ts'
import { readIdentity } from '../identity/identity.ts'
import { dataDirectory } from './data-directory.ts'
import { readMeshFile } from './mesh-file.ts'

/** With which a data directory is run, for words that tell people so. */
export async function startCommand(directory: string): Promise<string> {
  return `bzzz ${(await isLaptop(directory)) ? 'laptop up' : 'up'} --data-dir ${directory}`
}

/** Laptops come after the founding, so the first manifest names every node. */
async function isLaptop(directory: string): Promise<boolean> {
  const { mesh, nodeKey } = dataDirectory(directory)
  try {
    const [{ manifest }, { peer }] = await Promise.all([readMeshFile(mesh), readIdentity(nodeKey)])
    return manifest.members.find((member) => member.peer === peer)?.role !== 'node'
  } catch (error) {
    if (error instanceof ConfigError) return false // not whole: starting it tells what is missing
    throw error
  }
}
