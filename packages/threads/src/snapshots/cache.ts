import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ThreadId } from '@bzzz/protocols'

export interface Kept {
  /** SHA-256 of the snapshot, hexadecimal. */
  readonly hash: string
  /** Signed changes in it. */
  readonly changes: number
  readonly bytes: number
}

// A hundred threads of ten thousand entries.
const MAX_BYTES = 256 * 1024 * 1024
const NAME = /^([0-9a-f-]{36})\.(\d{1,10})\.([0-9a-f]{64})\.snapshot$/

/**
 * One file for each thread, named by what is in it: thread, changes, hash. May be deleted at any time. What is read is held
 * against the hash in its name, once until it is written again; a file that is not what it says is removed.
 */
export class SnapshotCache {
  readonly #directory: string
  readonly #maxBytes: number
  /** Least recently written first. */
  readonly #kept: Map<ThreadId, Kept>
  /** When files were last written whose hash is right. */
  readonly #verified = new Map<ThreadId, number>()

  private constructor(directory: string, maxBytes: number, kept: Map<ThreadId, Kept>) {
    this.#directory = directory
    this.#maxBytes = maxBytes
    this.#kept = kept
  }

  /** Removes what a killed process left half written. */
  static async open(directory: string, maxBytes = MAX_BYTES): Promise<SnapshotCache> {
    await mkdir(directory, { recursive: true })
    const kept = new Map<ThreadId, Kept>()
    for (const name of await readdir(directory)) {
      const [, thread, changes, hash = ''] = NAME.exec(name) ?? []
      if (thread === undefined || kept.has(thread as ThreadId)) await rm(join(directory, name), { force: true })
      else {
        const { size } = await stat(join(directory, name))
        kept.set(thread as ThreadId, { hash, changes: Number(changes), bytes: size })
      }
    }
    return new SnapshotCache(directory, maxBytes, kept)
  }

  of(thread: ThreadId): Kept | undefined {
    return this.#kept.get(thread)
  }

  /** @param hash hexadecimal */
  async get(hash: string): Promise<Uint8Array | undefined> {
    const [thread, kept] = [...this.#kept].find(([, one]) => one.hash === hash) ?? []
    if (thread === undefined || kept === undefined) return undefined
    const file = this.#fileOf(thread, kept)
    const writtenMs = (await stat(file).catch(unlessGone))?.mtimeMs
    const bytes = await readFile(file).catch(unlessGone)
    if (bytes !== undefined && writtenMs !== undefined) {
      if (this.#verified.get(thread) === writtenMs) return bytes
      if (hashOf(bytes) === hash) {
        if (this.#kept.get(thread) === kept) this.#verified.set(thread, writtenMs)
        return bytes
      }
    }
    await this.drop(thread)
    return undefined
  }

  /** In place of the one before; the ones that were written longest ago go when there are too many bytes. */
  async put(thread: ThreadId, changes: number, bytes: Uint8Array): Promise<void> {
    const kept: Kept = { hash: hashOf(bytes), changes, bytes: bytes.length }
    const unfinished = join(this.#directory, `${randomUUID()}.unfinished`)
    await mkdir(this.#directory, { recursive: true })
    try {
      await writeFile(unfinished, bytes, { mode: 0o600 })
      await this.drop(thread)
      await rename(unfinished, this.#fileOf(thread, kept))
    } catch (error) {
      await rm(unfinished, { force: true })
      throw error
    }
    this.#kept.set(thread, kept)
    for (const [oldest] of this.#kept) {
      if (this.#total() <= this.#maxBytes) break
      await this.drop(oldest)
    }
  }

  async drop(thread: ThreadId): Promise<void> {
    const kept = this.#kept.get(thread)
    if (kept === undefined) return
    this.#kept.delete(thread)
    this.#verified.delete(thread)
    await rm(this.#fileOf(thread, kept), { force: true })
  }

  #total(): number {
    return [...this.#kept.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  #fileOf(thread: ThreadId, { changes, hash }: Kept): string {
    return join(this.#directory, `${thread}.${changes}.${hash}.snapshot`)
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
