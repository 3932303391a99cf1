/**
 * The node's durable state: one LevelDB, one writer, rooms apart by key prefix.
 *
 * - A write resolves once its batch is synced to disk; what waits while one batch is being synced goes out as the next
 *   one (group commit), in the order of the calls.
 * - After the first failed write, of any room, no write of any room is accepted until the database was closed and opened
 *   again: LevelDB acknowledges later synced puts that are gone on reopen (google/leveldb PR 577).
 * - After an end that was not in order (that freeze, a crash) it is verified before it is opened again.
 */
export interface StateDatabase {
  readonly condition: 'open' | 'frozen' | 'closed'
  room(name: string): Room
  /** One atomic batch over several rooms. @throws {StateError} */
  write(operations: readonly RoomOperation[]): Promise<void>
  /** Waits for writes in hand, then refuses. Idempotent. */
  close(): Promise<void>
}

export interface Room {
  readonly name: string
  /** Reads go on while frozen, but may then find what was never acknowledged. @throws {StateError} STATE_CLOSED */
  get(key: string): Promise<Uint8Array | undefined>
  /** At once, on this thread: for keys that are most likely not there, which a Bloom filter answers without the disk. */
  has(key: string): boolean
  /** Ascending by key (UTF-8 bytes) unless `reverse`. */
  entries(range?: Range): AsyncIterable<[key: string, value: Uint8Array]>
  keys(range?: Range): AsyncIterable<string>
  /** Resolves once synced; all or nothing. @throws {StateError} STATE_FROZEN, STATE_CLOSED or STATE_WRITE_FAILED */
  write(operations: readonly Operation[]): Promise<void>
}

export interface Range {
  readonly gt?: string
  readonly gte?: string
  readonly lt?: string
  readonly lte?: string
  readonly reverse?: boolean
  readonly limit?: number
}

export type Operation = { readonly put: string; readonly value: Uint8Array } | { readonly del: string }
export type RoomOperation = Operation & { readonly room: string }

export type StateErrorCode =
  | 'STATE_FROZEN'
  | 'STATE_CLOSED'
  | 'STATE_WRITE_FAILED'
  | 'STATE_IN_USE'
  | 'STATE_OPEN_FAILED'
  /** It did not end in order, and what is in it does not fit together. */
  | 'STATE_DAMAGED'
  | 'STATE_BUSY'

export class StateError extends Error {
  override readonly name = 'StateError'
  readonly code: StateErrorCode

  constructor(code: StateErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The few members of a Level database that the guard needs, so that a test can put a failing disk under it. */
export interface LevelLike {
  batch(operations: LevelOperation[], options: { sync: boolean }): Promise<void>
  get(key: string): Promise<Uint8Array | undefined>
  getSync(key: string): Uint8Array | undefined
  iterator(range: Reading): AsyncIterable<[string, Uint8Array]>
  keys(range: Reading): AsyncIterable<string>
  close(): Promise<void>
}
/** With how much may be read at once, ahead of who asks. */
type Reading = Range & { readonly highWaterMarkBytes?: number }
type LevelOperation = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string }

// Bounds the memory of writers that outrun the disk: a caller above it is refused, never queued without end.
const MAX_QUEUED_WRITES = 10_000
// One batch stays small enough that a synced write is not held up for long by those before it.
const MAX_BATCH_WRITES = 256
const MAX_BATCH_BYTES = 4 * 1024 * 1024

interface Pending {
  readonly operations: LevelOperation[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface GuardOptions {
  /** Told once, with the failed write's error, when the database freezes. */
  readonly onFreeze?: (cause: unknown) => void
  /** Everything that was acknowledged is synced, nothing failed, and nothing more will be written. */
  readonly onCleanEnd?: () => Promise<void>
}

/** The guard over any database of {@link LevelLike}'s shape. */
export function guardState(level: LevelLike, options: GuardOptions = {}): StateDatabase {
  let condition: StateDatabase['condition'] = 'open'
  let frozenBy: unknown
  const queue: Pending[] = []
  let writer: Promise<void> | undefined
  let closing: Promise<void> | undefined

  function refusal(): StateError | undefined {
    if (condition === 'frozen')
      return new StateError('STATE_FROZEN', 'a write failed: nothing is accepted until the state is opened again', {
        cause: frozenBy,
      })
    if (condition === 'closed') return new StateError('STATE_CLOSED', 'the state is closed')
    if (queue.length >= MAX_QUEUED_WRITES)
      return new StateError('STATE_BUSY', `${MAX_QUEUED_WRITES} writes are waiting for the disk`)
    return undefined
  }

  function enqueue(operations: LevelOperation[]): Promise<void> {
    const refused = refusal()
    if (refused !== undefined) return Promise.reject(refused)
    return new Promise((resolve, reject) => {
      queue.push({ operations, resolve, reject })
      writer ??= drain()
    })
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) await commit(queue.splice(0, fitting(queue)))
    writer = undefined
  }

  async function commit(writes: Pending[]): Promise<void> {
    try {
      await level.batch(
        writes.flatMap((write) => write.operations),
        { sync: true },
      )
      for (const write of writes) write.resolve()
    } catch (cause) {
      freeze(cause, writes)
    }
  }

  function freeze(cause: unknown, failed: Pending[]): void {
    condition = 'frozen'
    frozenBy = cause
    for (const write of failed)
      write.reject(new StateError('STATE_WRITE_FAILED', 'the write was not synced to disk', { cause }))
    for (const write of queue.splice(0)) write.reject(refusal())
    options.onFreeze?.(cause)
  }

  async function closeOnce(): Promise<void> {
    const waiting = writer
    if (condition === 'open') condition = 'closed'
    await waiting
    // Without the mark that this leaves the next opening verifies, which is all that is lost when it fails.
    if (condition === 'closed') await options.onCleanEnd?.().catch(() => undefined)
    await level.close()
    condition = 'closed'
  }

  function ensureReadable(): void {
    if (condition === 'closed') throw new StateError('STATE_CLOSED', 'the state is closed')
  }

  return {
    get condition() {
      return condition
    },
    room(name) {
      const prefix = prefixOf(name)
      return {
        name,
        ...readers(level, prefix, ensureReadable),
        write: (operations) => enqueue(operations.map((operation) => prefixed(prefix, operation))),
      }
    },
    async write(operations) {
      await enqueue(operations.map((operation) => prefixed(prefixOf(operation.room), operation)))
    },
    close: () => (closing ??= closeOnce()),
  }
}

/** How many of the waiting writes, at least one, go into the next batch. */
function fitting(queue: readonly Pending[]): number {
  let bytes = 0
  const end = queue.findIndex(({ operations }, i) => {
    bytes += operations.reduce((sum, operation) => sum + (operation.type === 'put' ? operation.value.length : 0), 0)
    return i > 0 && (i >= MAX_BATCH_WRITES || bytes > MAX_BATCH_BYTES)
  })
  return end === -1 ? queue.length : end
}

function readers(level: LevelLike, prefix: string, ensureReadable: () => void): Omit<Room, 'name' | 'write'> {
  return {
    async get(key) {
      ensureReadable()
      return level.get(prefix + key)
    },
    has(key) {
      ensureReadable()
      return level.getSync(prefix + key) !== undefined
    },
    async *entries(range = {}) {
      ensureReadable()
      for await (const [key, value] of level.iterator(reading(prefix, range))) yield [key.slice(prefix.length), value]
    },
    async *keys(range = {}) {
      ensureReadable()
      for await (const key of level.keys(reading(prefix, range))) yield key.slice(prefix.length)
    },
  }
}

/** @throws {RangeError} unless the name is of small letters, so that no room's keys lie within another's */
function prefixOf(room: string): string {
  if (!/^[a-z]+$/.test(room)) throw new RangeError(`not a room name: ${room}`)
  return `${room}/`
}

function prefixed(prefix: string, operation: Operation): LevelOperation {
  return 'put' in operation
    ? { type: 'put', key: prefix + operation.put, value: operation.value }
    : { type: 'del', key: prefix + operation.del }
}

// With LevelDB's own 16 KiB, passing over a ledger is mostly waiting for the next few records.
const READ_AT_ONCE_BYTES = 256 * 1024

function reading(prefix: string, range: Range): Reading {
  return { ...within(prefix, range), highWaterMarkBytes: READ_AT_ONCE_BYTES }
}

function within(prefix: string, range: Range): Range {
  const lower = range.gt !== undefined ? { gt: prefix + range.gt } : { gte: prefix + (range.gte ?? '') }
  // '0' follows '/' in ASCII: the first key behind the room
  const upper =
    range.lte !== undefined
      ? { lte: prefix + range.lte }
      : { lt: range.lt === undefined ? `${prefix.slice(0, -1)}0` : prefix + range.lt }
  return {
    ...lower,
    ...upper,
    ...(range.reverse === undefined ? {} : { reverse: range.reverse }),
    ...(range.limit === undefined ? {} : { limit: range.limit }),
  }
}
