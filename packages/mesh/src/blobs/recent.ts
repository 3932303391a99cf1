import type { ThreadsPort } from '../threads-port.ts'
import { Turns } from './turns.ts'

// Two of the largest, or a dozen snapshots of ten thousand entries.
const MAX_KEPT_BYTES = 32 * 1024 * 1024
const MAX_LENGTHS = 1024
const MAX_READS_AT_ONCE = 4
// Whoever fetches a blob asks for its next part at once.
const IDLE_MS = 10_000

const never = new AbortController().signal

/** The blobs that are being asked for, in memory, since they are asked for part by part, often by several peers. */
export class RecentBlobs {
  readonly #blobs: ThreadsPort['blobs']
  readonly #turns = new Turns(MAX_READS_AT_ONCE)
  /** Least recently asked for first. */
  readonly #kept = new Map<string, Uint8Array>()
  readonly #reading = new Map<string, Promise<Uint8Array | undefined>>()
  /** Also of blobs that are not kept any more. */
  readonly #lengths = new Map<string, number>()
  #bytes = 0
  #idle: NodeJS.Timeout | undefined

  constructor(blobs: ThreadsPort['blobs']) {
    this.#blobs = blobs
  }

  /** @returns undefined if it was not read lately */
  lengthOf(hash: string): number | undefined {
    return this.#lengths.get(hash)
  }

  async get(hash: string): Promise<Uint8Array | undefined> {
    const kept = this.#kept.get(hash)
    if (kept !== undefined) {
      this.#keep(hash, kept)
      return kept
    }
    const reading = this.#reading.get(hash) ?? this.#read(hash)
    this.#reading.set(hash, reading)
    try {
      return await reading
    } finally {
      if (this.#reading.get(hash) === reading) this.#reading.delete(hash)
    }
  }

  async #read(hash: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#turns.take(never, () => this.#blobs.get(hash))
    this.#lengths.delete(hash)
    if (bytes === undefined) return undefined // it may come later
    this.#lengths.set(hash, bytes.length)
    const [oldest] = this.#lengths.keys()
    if (this.#lengths.size > MAX_LENGTHS && oldest !== undefined) this.#lengths.delete(oldest)
    this.#keep(hash, bytes)
    return bytes
  }

  #keep(hash: string, bytes: Uint8Array): void {
    this.#forget(hash)
    this.#kept.set(hash, bytes)
    this.#bytes += bytes.length
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= MAX_KEPT_BYTES) break
      this.#forget(oldest)
    }
    this.#idle ??= setTimeout(() => this.#forgetAll(), IDLE_MS).unref()
    this.#idle.refresh()
  }

  #forget(hash: string): void {
    this.#bytes -= this.#kept.get(hash)?.length ?? 0
    this.#kept.delete(hash)
  }

  #forgetAll(): void {
    this.#idle = undefined
    this.#kept.clear()
    this.#bytes = 0
  }
}
