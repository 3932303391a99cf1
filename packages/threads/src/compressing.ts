import type { ThreadId } from '@bzzz/protocols'
import { packChunk } from './chunks.ts'
import type { Desk } from './commit.ts'
import type { Writers } from './writers.ts'

/**
 * Compresses the logs of archived threads, one run of changes at a time, off the event loop and behind whatever else their
 * writers have to do. Each run is one write, so an end at any point leaves a log that reads the same; the next opening
 * goes on from there.
 */
export class Compressor {
  readonly #desk: Desk
  readonly #writers: Writers
  readonly #waiting = new Map<ThreadId, PromiseWithResolvers<void>>()
  #running: Promise<void> | undefined
  #closed = false

  constructor(desk: Desk, writers: Writers) {
    this.#desk = desk
    this.#writers = writers
  }

  /** Resolves once it was tried; at once after {@link close}. */
  request(thread: ThreadId): Promise<void> {
    if (this.#closed) return Promise.resolve()
    const asked = this.#waiting.get(thread) ?? Promise.withResolvers<void>()
    this.#waiting.set(thread, asked)
    this.#running ??= this.#run()
    return asked.promise
  }

  /** Waits for the run in hand. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  async #run(): Promise<void> {
    await Promise.resolve() // who asks is not held up
    for (const [thread, asked] of this.#waiting) {
      this.#waiting.delete(thread) // whoever asks from now on wants what is written from now on compressed too
      if (!this.#closed) await this.#compress(thread)
      asked.resolve()
    }
    this.#running = undefined
  }

  async #compress(thread: ThreadId): Promise<void> {
    try {
      for (let done = true; done && !this.#closed; ) done = await this.#compressNext(thread)
      if (this.#desk.catalog.summary(thread)?.archived === true) await this.#writers.retire(thread)
    } catch (error) {
      this.#desk.observe({ type: 'compressing-failed', thread, error })
    }
  }

  /** @returns whether there may be more to do */
  async #compressNext(thread: ThreadId): Promise<boolean> {
    const { catalog, log } = this.#desk
    if (catalog.summary(thread)?.archived !== true) return false
    const run = await log.nextRun(thread)
    if (run === undefined) return false
    const chunk = await packChunk(run.envelopes)
    return this.#writers.of(thread).compress(run, chunk)
  }
}
