import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '../init/is-alive.ts'
import { JoinError } from './join-error.ts'

const NAME = '.join.lock'
/** Whoever made the file writes its number at once: one without a number is of a process that was killed in between. */
const UNWRITTEN_MS = 10_000
const MAX_TRIES = 5

/** Of this process. */
const held = new Set<string>()

/**
 * Keeps other joins out of a folder while `work` runs. The lock of a process that is gone is taken over.
 * @throws {JoinError} BUSY
 */
export async function withJoinLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const path = join(folder, NAME)
  if (held.has(path)) throw busy(process.pid, path, folder)
  held.add(path)
  try {
    await take(path, folder)
    return await work().finally(() => rm(path, { force: true }))
  } finally {
    held.delete(path)
  }
}

async function take(path: string, folder: string): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    if (await made(path)) return
    const owner = await ownerOf(path)
    if (owner === 'gone') continue
    if (!isOver(owner)) throw busy(owner.pid, path, folder)
    await putAside(path, owner)
  }
  throw busy(null, path, folder)
}

async function made(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600)
    await file.writeFile(String(process.pid)).finally(() => file.close())
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

interface Owner {
  readonly pid: number | null
  readonly writtenMs: number
}

async function ownerOf(path: string): Promise<Owner | 'gone'> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    return { pid: /^\d{1,10}$/.test(text) ? Number(text) : null, writtenMs: mtimeMs }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone'
    throw error
  }
}

/** A number comes again, in a container at each start: one like ours is of an earlier run, since this one holds none. */
function isOver({ pid, writtenMs }: Owner): boolean {
  if (pid === null) return Date.now() - writtenMs > UNWRITTEN_MS
  return pid === process.pid || !isAlive(pid)
}

/** Two may find it over at once: the second must not take away the lock that the first one has made since. */
async function putAside(path: string, { pid, writtenMs }: Owner): Promise<void> {
  const now = await ownerOf(path)
  if (now === 'gone' || now.pid !== pid || now.writtenMs !== writtenMs) return
  const aside = `${path}.${process.pid}`
  try {
    await rename(path, aside)
    await rm(aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function busy(pid: number | null, path: string, folder: string): JoinError {
  const by = pid === null ? 'another process' : `process ${pid}`
  const words = `${folder}: another "bzzz laptop join" is at work there (${by}); wait for it, or remove ${path} if it is long gone`
  return new JoinError('BUSY', words)
}
