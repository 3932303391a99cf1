import type { ThreadId } from '@bzzz/protocols'
import type { Desk } from './commit.ts'
import { closed } from './errors.ts'
import { ThreadWriter } from './writer.ts'

/** The writers of the threads in use; beyond `max` the least used idle ones go, and their documents with them. */
export class Writers {
  readonly #desk: Desk
  readonly #max: number
  /** Least recently used first. */
  readonly #writers = new Map<ThreadId, ThreadWriter>()
  #closed = false

  constructor(desk: Desk, max: number) {
    this.#desk = desk
    this.#max = max
  }

  /** @throws {ThreadsError} CLOSED */
  of(thread: ThreadId): ThreadWriter {
    if (this.#closed) throw closed()
    const writer = this.#writers.get(thread) ?? new ThreadWriter(this.#desk, thread)
    this.#writers.delete(thread)
    this.#writers.set(thread, writer)
    this.#trim(thread)
    return writer
  }

  /** Waits for work in hand, then frees the document. */
  async retire(thread: ThreadId): Promise<void> {
    const writer = this.#writers.get(thread)
    await writer?.settled()
    if (writer?.isIdle !== true || this.#writers.get(thread) !== writer) return
    writer.unload('archived')
    this.#writers.delete(thread)
  }

  /** Waits for work in hand, then frees every document. */
  async close(): Promise<void> {
    this.#closed = true
    for (const writer of this.#writers.values()) {
      await writer.settled()
      writer.unload('closed')
    }
    this.#writers.clear()
  }

  #trim(wanted: ThreadId): void {
    for (const [thread, writer] of this.#writers) {
      if (this.#writers.size <= this.#max) return
      if (thread === wanted || !writer.isIdle) continue
      writer.unload('least used')
      this.#writers.delete(thread)
    }
  }
}
