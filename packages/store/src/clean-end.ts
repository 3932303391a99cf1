import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from './sync-directory.ts'

/**
 * A file in the database's own folder, there only between an end in order and the next opening. Whatever else happens
 * (a failed write, a crash, a copy taken while the database was open, a database from before there was such a file), it is
 * missing: so what is doubtful is never taken for sound, and a full disk cannot hide that. LevelDB leaves names alone that
 * it does not know.
 */
const MARK = 'CLEAN'

/** Takes the mark away, synced: comes after the lock and before the first write. @returns whether it was there */
export async function takeCleanMark(directory: string): Promise<boolean> {
  try {
    await rm(join(directory, MARK))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  await syncDirectory(directory)
  return true
}

/** Comes after the last synced write and before the lock is given up, else it could be laid into another's opening. */
export async function leaveCleanMark(directory: string): Promise<void> {
  const file = await open(join(directory, MARK), 'w', 0o600)
  await file.close()
  await syncDirectory(directory)
}
