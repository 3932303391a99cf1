import { open } from 'node:fs/promises'

/** A name is on disk once its folder is. */
export async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return // opens no folders, and has names on disk before the call returns
  const folder = await open(directory)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
