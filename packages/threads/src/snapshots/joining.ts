import type { PeerId, ThreadId } from '@bzzz/protocols'
import type { Desk } from '../commit.ts'
import type { ViewedEntry } from '../view.ts'
import type { Writers } from '../writers.ts'
import type { Joined, ThreadPreview } from './port.ts'
import { Workshop, WorkshopError } from './workshop.ts'

// What one message of the worker holds up the event loop for: a few milliseconds.
const PART = 512

/** Thrown for what shows that a snapshot does not hold. */
class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}

/** Takes snapshots of others in: looked at in a worker, shown as pending, then stored by the threads' own writers. */
export class Joining {
  readonly #desk: Desk
  readonly #writers: Writers
  readonly #isMember: (peer: PeerId) => boolean
  readonly #workshop: Workshop
  readonly #watchers = new Set<(preview: ThreadPreview) => void>()
  #preview: ThreadPreview | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(desk: Desk, writers: Writers, isMember: (peer: PeerId) => boolean, workshop = new Workshop()) {
    this.#desk = desk
    this.#writers = writers
    this.#isMember = isMember
    this.#workshop = workshop
  }

  preview(thread: ThreadId): ThreadPreview | undefined {
    return this.#preview?.thread === thread ? this.#preview : undefined
  }

  onPreview(listener: (preview: ThreadPreview) => void): () => void {
    this.#watchers.add(listener)
    return () => this.#watchers.delete(listener)
  }

  join(thread: ThreadId, fetch: () => Promise<Uint8Array | undefined>): Promise<Joined> {
    const joined = this.#turn.then(() => this.#join(thread, fetch))
    this.#turn = joined.catch(() => undefined) // whoever asked for it is told; the next one is not held up
    return joined
  }

  /** Ends what is in hand: what is stored of it stays, the rest comes another time. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#workshop.end()
    await this.#turn
  }

  async #join(thread: ThreadId, fetch: () => Promise<Uint8Array | undefined>): Promise<Joined> {
    if (this.#closed) return { status: 'failed', reason: 'the threads are closed' }
    const { catalog, observe } = this.#desk
    if (catalog.isFull && !catalog.has(thread)) return { status: 'failed', reason: 'there are too many threads here' }
    if (catalog.cuts(thread).size > 0) return { status: 'failed', reason: 'an actor of the thread has ended' }
    this.#workshop.warm()
    try {
      const bytes = await fetch()
      if (bytes === undefined || this.#closed) return { status: 'failed', reason: 'it did not come' }
      return await this.#take(thread, bytes)
    } catch (error) {
      if (error instanceof WorkshopError || this.#closed) return { status: 'failed', reason: String(error) }
      if (!(error instanceof SnapshotError)) throw error
      observe({ type: 'snapshot-refused', thread, reason: error.message })
      return { status: 'refused', reason: error.message }
    } finally {
      this.#preview = undefined
      await this.#workshop.end()
    }
  }

  async #take(thread: ThreadId, bytes: Uint8Array): Promise<Joined> {
    const { mesh, now, observe } = this.#desk
    const startedMs = now()
    const opened = await this.#asked(() => this.#workshop.ask({ q: 'open', mesh, thread, bytes }))
    const stranger = opened.authors.find((author) => !this.#isMember(author))
    // membership may only have come to be known there before here
    if (stranger !== undefined) return { status: 'failed', reason: `${stranger} is not a member` }
    const { summary } = opened
    this.#show({ thread, summary, entries: await this.#entries(summary.entries) })
    const pendingMs = now() - startedMs
    for (const part of partsOf(opened.changes)) await this.#asked(() => this.#workshop.ask({ q: 'verify', ...part }))
    for (const part of partsOf(opened.changes)) await this.#store(thread, part)
    observe({ type: 'snapshot-joined', thread, changes: opened.changes, pendingMs, tookMs: now() - startedMs })
    return { status: 'joined', changes: opened.changes }
  }

  #show(preview: ThreadPreview): void {
    this.#preview = preview
    for (const watcher of this.#watchers) {
      try {
        watcher(preview)
      } catch (error) {
        this.#desk.observe({ type: 'listener-failed', error })
      }
    }
  }

  async #entries(count: number): Promise<ViewedEntry[]> {
    const entries: ViewedEntry[] = []
    for (const part of partsOf(count)) entries.push(...(await this.#workshop.ask({ q: 'entries', ...part })).entries)
    return entries
  }

  async #store(thread: ThreadId, part: Part): Promise<void> {
    const { changes } = await this.#workshop.ask({ q: 'changes', ...part })
    const writer = this.#writers.of(thread)
    await Promise.all(changes.map((change) => writer.receive(change)))
  }

  /** A question whose answer is what the snapshot's maker answers for: so is the worker's end over it. */
  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof WorkshopError) || this.#closed) throw error
      throw new SnapshotError(error.message, { cause: error })
    }
  }
}

interface Part {
  readonly from: number
  readonly to: number
}

function partsOf(count: number): Part[] {
  return Array.from({ length: Math.ceil(count / PART) }, (_, i) => ({ from: i * PART, to: (i + 1) * PART }))
}
