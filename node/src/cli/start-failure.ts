import { readFile } from 'node:fs/promises'
import { StateError } from '@bzzz/store'
import { z } from 'zod'
import { dataDirectory } from '../init/data-directory.ts'
import { isAlive } from '../init/is-alive.ts'
import { type RunningFile, runningFile } from './client.ts'
import { diskFault } from './disk.ts'
import { CliError, exitCodes } from './exit.ts'

/** Why a node did not start, in words for whoever starts it; the error itself when it says so already. */
export async function startFailure(error: unknown, directory: string): Promise<unknown> {
  return (await otherProcess(error, directory)) ?? damaged(error, directory) ?? diskFault(error, directory) ?? error
}

/** Whatever it would say now could be wrong: whether to begin anew is for a person to decide. */
function damaged(error: unknown, directory: string): CliError | undefined {
  if (!(error instanceof StateError) || error.code !== 'STATE_DAMAGED') return undefined
  const message = `${error.message}; move that folder away and start again: threads come back from the peers, and this node spends what the others grant it until "bzzz budget adopt" gives the new ledger of ${directory} its part`
  return new CliError(exitCodes.io, error.code, message, { cause: error })
}

/** The lock on the data directory tells that another process holds it; what that process wrote beside it tells which. */
async function otherProcess(error: unknown, directory: string): Promise<CliError | undefined> {
  if (!(error instanceof StateError) || error.code !== 'STATE_IN_USE') return undefined
  const other = await readOther(directory)
  const use =
    other === undefined ? 'is in use by another process' : `is in use by process ${other.pid} (${other.node_url})`
  return new CliError(
    exitCodes.unavailable,
    'DIRECTORY_IN_USE',
    `${directory} ${use}; stop it first, or name another --data-dir`,
    { cause: error },
  )
}

/** Not written yet, damaged, or of an earlier run: then the process has no name. */
async function readOther(directory: string): Promise<RunningFile | undefined> {
  try {
    const other = runningFile.parse(JSON.parse(await readFile(dataDirectory(directory).running, 'utf8')))
    return isAlive(other.pid) ? other : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError || isMissing(error)) return undefined
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
