import type { LedgerEvent, LedgerRecord, Period } from '@bzzz/protocols'
import { type Room, StateError } from '@bzzz/store'
import type { Books } from './books/books.ts'
import { BudgetError } from './errors.ts'
import { openPage, type Page, type Seal } from './ledger/page.ts'
import type { HeldPeriod } from './ledger/read.ts'
import { keep, type Standing } from './ledger/standing.ts'
import { loadWorkingSet, type Needs } from './ledger/working-set.ts'

/** Something that reads the books and may write to the ledger. */
export interface Task<T> {
  needs(nowMs: number): Needs
  /** Whatever was submitted after it is decided once this one is synced. */
  readonly endsPage?: true
  /**
   * Decides at the moment of writing, with all that was decided before it, synced or in the same batch. Pure.
   * @throws {BudgetError} to be rejected alone
   */
  decide(books: Books, nowMs: number): Decision<T>
}

export interface Decision<T> {
  readonly events: readonly LedgerEvent[]
  /** Periods whose slots are to be sealed in the same batch, if anything in them has changed. */
  readonly seal?: readonly Period[]
  /** Called once the events are synced. */
  readonly answer: () => T | Promise<T>
}

export interface Writer {
  /** Resolves once what the task wrote is synced. @throws {BudgetError} FROZEN, BUSY, CLOSED, or the task's own */
  submit<T>(task: Task<T>): Promise<T>
  readonly condition: 'open' | 'frozen' | 'closed'
  /** Waits for what was submitted. Idempotent. */
  close(): Promise<void>
}

export interface WriterOptions {
  readonly room: Room
  readonly standing: Standing
  readonly seal: Seal
  /** Outside the ledger, after each synced page and before its answers. A failure freezes the budget. */
  readonly mark?: (() => Promise<void>) | undefined
  readonly now: () => number
  /** Work of the ledger's own that is due, done before what is waiting. */
  readonly due: (nowMs: number) => readonly Task<unknown>[]
  /** When those who wait for a page are told what it did: once it is synced. */
  readonly toldAfter: (synced: Promise<void>, records: readonly LedgerRecord[]) => Promise<void>
  /** After each synced page, in order. Must not throw. */
  readonly onWritten: (page: WrittenPage) => void
  readonly onFrozen: (cause: unknown) => void
}

export interface WrittenPage {
  readonly records: readonly LedgerRecord[]
  readonly books: Books
  readonly periods: readonly HeldPeriod[]
  readonly elapsedMs: number
}

// Bounds the memory of callers that outrun the disk.
const MAX_WAITING = 10_000
// Bounds one atomic batch; what waits longer goes into the next.
const MAX_TASKS_PER_PAGE = 256

interface Waiting {
  readonly needs: Task<unknown>['needs']
  readonly endsPage: boolean
  /** Appends to the page. @returns what tells the caller, once the page is synced */
  readonly run: (books: Books, nowMs: number, page: Page) => () => void
  readonly reject: (error: unknown) => void
}

/**
 * The one writer of the ledger. One page is decided, written and synced at a time, and what is submitted meanwhile waits
 * for the next: so a hold counts from its decision on (invariant 10), periods are those of the moment of writing (7), and
 * nobody is told anything, nor is a slot shown, before the disk has it (3).
 */
export function openWriter(options: WriterOptions): Writer {
  const { room, standing, now } = options
  const queue: Waiting[] = []
  let condition: Writer['condition'] = 'open'
  let frozenBy: unknown
  let writing: Promise<void> | undefined

  function refusal(): BudgetError | undefined {
    if (condition === 'frozen') {
      const words = 'the ledger could not be written: nothing is reserved or sent until the node was restarted'
      return new BudgetError('FROZEN', words, { cause: frozenBy })
    }
    if (condition === 'closed') return new BudgetError('CLOSED', 'the budget is closed')
    if (queue.length >= MAX_WAITING) return busy()
    return undefined
  }

  function submit<T>(task: Task<T>): Promise<T> {
    const refused = refusal()
    if (refused !== undefined) return Promise.reject(refused)
    return new Promise<T>((resolve, reject) => {
      queue.push(waiting(task, resolve, reject))
      writing ??= drain()
    })
  }

  async function drain(): Promise<void> {
    // Lets everything that is submitted in one go share a page.
    await Promise.resolve()
    while (queue.length > 0) {
      const batch = queue.splice(0, pageOf(queue))
      const told = await writePage(batch).catch((cause: unknown) => fail(cause, batch))
      told()
    }
    writing = undefined
  }

  async function writePage(batch: readonly Waiting[]): Promise<() => void> {
    const nowMs = now()
    const tasks = [...options.due(nowMs).map((task) => waiting(task, ignore, ignore)), ...batch]
    const loaded = await loadWorkingSet(room, standing, together(tasks.map((task) => task.needs(nowMs))))
    const { books } = loaded
    const page = openPage(standing, loaded, nowMs)
    const answers = tasks.map((task) => decided(task, books, nowMs, page))
    const finished = page.finish(options.seal)
    if (finished.operations.length > 0) {
      await options.toldAfter(room.write(finished.operations), page.records)
      keep(standing, books, finished)
      await options.mark?.()
    }
    return () => {
      for (const answer of answers) answer()
      if (page.records.length === 0) return
      options.onWritten({
        records: page.records,
        books,
        periods: finished.periods,
        elapsedMs: Math.max(0, now() - nowMs),
      })
    }
  }

  /** Nothing of the batch was acknowledged, and unless the store was merely busy, nothing can be any more. */
  function fail(cause: unknown, batch: readonly Waiting[]): () => void {
    if (cause instanceof StateError && cause.code === 'STATE_BUSY') {
      return () => rejectAll(batch, busy(cause))
    }
    condition = 'frozen'
    frozenBy = cause
    const error = refusal()
    return () => {
      rejectAll([...batch, ...queue.splice(0)], error)
      options.onFrozen(cause)
    }
  }

  async function close(): Promise<void> {
    if (condition === 'open') condition = 'closed'
    await writing
  }

  return {
    submit,
    close,
    get condition() {
      return condition
    },
  }
}

/** How many of those that wait share the next page. */
function pageOf(queue: readonly Waiting[]): number {
  const last = queue.findIndex(({ endsPage }) => endsPage)
  return Math.min(MAX_TASKS_PER_PAGE, last < 0 ? queue.length : last + 1)
}

function waiting<T>(
  task: Task<T>,
  resolve: (value: T | Promise<T>) => void,
  reject: (error: unknown) => void,
): Waiting {
  return {
    needs: (nowMs) => task.needs(nowMs),
    endsPage: task.endsPage === true,
    reject,
    run(books, nowMs, page) {
      const { events, seal = [], answer } = task.decide(books, nowMs)
      page.append(events)
      page.seal(seal)
      return () => resolve(answer())
    },
  }
}

/** A task that is refused in its own right leaves the others of its page alone; a broken invariant stops them all. */
function decided(task: Waiting, books: Books, nowMs: number, page: Page): () => void {
  try {
    return task.run(books, nowMs, page)
  } catch (error) {
    if (!(error instanceof BudgetError) || error.code === 'INVARIANT_BROKEN') throw error
    return () => task.reject(error)
  }
}

function together(needs: readonly Needs[]): Needs {
  return {
    calls: needs.flatMap(({ calls }) => calls),
    periods: needs.flatMap(({ periods }) => periods),
    costs: needs.flatMap(({ costs }) => costs),
    boots: needs.flatMap(({ boots = [] }) => boots),
  }
}

function rejectAll(waiting: readonly Waiting[], error: unknown): void {
  for (const { reject } of waiting) reject(error)
}

function busy(cause?: unknown): BudgetError {
  return new BudgetError('BUSY', 'too many requests are waiting for the disk; nothing was written', { cause })
}

function ignore(): void {}
