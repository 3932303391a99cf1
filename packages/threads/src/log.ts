import { equalBytes, type Latest, type MeshId, readEnvelope, type SeqVector, type ThreadId } from '@bzzz/protocols'
import type { Operation, Range, Room } from '@bzzz/store'
import { MAX_CHUNK_BYTES, MAX_CHUNK_ENVELOPES, openChunk } from './chunks.ts'

/** A change on its way into the log, or out of it. */
export interface Logged {
  readonly actor: string
  readonly seq: number
  readonly hash: string
  /** The signed bytes, as their author made them. */
  readonly bytes: Uint8Array
}

/** Changes of one actor that follow each other, still in rows of their own. */
export interface Run {
  readonly thread: ThreadId
  readonly actor: string
  /** Sequence number of the first. */
  readonly first: number
  readonly envelopes: readonly Uint8Array[]
}

/**
 * The signed log of all threads: the truth, from which documents, views and summaries are made.
 * Key `t/<thread>/c/<actor>/<seq>`: one change at most per (actor, seq). What is in it has all its causes in it.
 * Of an archived thread the older changes are in chunks (`t/<thread>/z/<actor>/<first seq>`), the same bytes in less room;
 * an actor's rows of their own all come behind its chunks.
 */
export interface ChangeLog {
  put(thread: ThreadId, change: Logged): Operation
  /** Out of the rows; of a thread with chunks only behind what {@link expand} gives. */
  del(thread: ThreadId, change: Pick<Logged, 'actor' | 'seq'>): Operation
  /** Everything of one thread, ascending seq for each actor. Not while a run of it is being compressed. */
  all(thread: ThreadId): AsyncIterable<Uint8Array>
  /**
   * What `here` has beyond `have`: ascending seq for each actor, and no change before its causes, so that a receiver
   * never has to hold one back. Of an actor whose change there is another than the one here: everything.
   */
  after(thread: ThreadId, have: SeqVector, here: SeqVector): AsyncIterable<Uint8Array>
  /** The first rows of a thread that one chunk can take; undefined when all are in chunks. */
  nextRun(thread: ThreadId): Promise<Run | undefined>
  /** The rows of the run are as they were read. */
  holds(run: Run): Promise<boolean>
  /** What puts the chunk into the place of the run's rows. */
  compress(run: Run, chunk: Uint8Array): Operation[]
  /** What puts a thread's changes back into rows of their own. */
  expand(thread: ThreadId): Promise<Operation[]>
}

export function openLog(room: Room, mesh: MeshId): ChangeLog {
  return {
    put: (thread, { actor, seq, bytes }) => ({ put: changeKey(thread, actor, seq), value: bytes }),
    del: (thread, { actor, seq }) => ({ del: changeKey(thread, actor, seq) }),
    async *all(thread) {
      for await (const [key, chunk] of room.entries(chunksOf(thread))) yield* await openChunk(key, chunk)
      for await (const [, bytes] of room.entries(rowsOf(thread))) yield bytes
    },
    async *after(thread, have, here) {
      const parts = [...here].map(([actor, { seq, hash }]) => {
        const theirs = have.get(actor)
        const read = (from: number) => between(room, thread, actor, from, seq)
        if (theirs === undefined || (theirs.seq === seq && theirs.hash !== hash)) return read(0)
        return theirs.seq < seq ? beyond(mesh, theirs, read) : undefined
      })
      yield* mergeByCause(
        mesh,
        parts.filter((part) => part !== undefined),
      )
    },
    nextRun: (thread) => nextRun(room, thread),
    async holds({ thread, actor, first, envelopes }) {
      const last = first + envelopes.length - 1
      const rows = { gte: changeKey(thread, actor, first), lte: changeKey(thread, actor, last) }
      let same = 0
      for await (const [, bytes] of room.entries(rows)) same += Number(equalBytes(bytes, envelopes[same] ?? NOTHING))
      return same === envelopes.length
    },
    compress: ({ thread, actor, first, envelopes }, chunk) => [
      { put: chunkKey(thread, actor, first), value: chunk },
      ...envelopes.map((_, i) => ({ del: changeKey(thread, actor, first + i) })),
    ],
    async expand(thread) {
      const operations: Operation[] = []
      for await (const [key, chunk] of room.entries(chunksOf(thread))) {
        const { actor, seq: first } = placeIn(key)
        const envelopes = await openChunk(key, chunk)
        operations.push({ del: key })
        operations.push(...envelopes.map((value, i) => ({ put: changeKey(thread, actor, first + i), value })))
      }
      return operations
    },
  }
}

const NOTHING = new Uint8Array()

const SEQ_DIGITS = 10

export function changeKey(thread: ThreadId, actor: string, seq: number): string {
  return `t/${thread}/c/${actor}/${String(seq).padStart(SEQ_DIGITS, '0')}`
}

export function chunkKey(thread: ThreadId, actor: string, first: number): string {
  return `t/${thread}/z/${actor}/${String(first).padStart(SEQ_DIGITS, '0')}`
}

/** Of a row or of a chunk, whose first change it is. */
function placeIn(key: string): { actor: string; seq: number } {
  const [, , , actor = '', seq] = key.split('/')
  return { actor, seq: Number(seq) }
}

function rowsOf(thread: ThreadId): Range {
  return { gt: `t/${thread}/c/`, lt: `t/${thread}/c0` } // '0' follows '/'
}

function chunksOf(thread: ThreadId): Range {
  return { gt: `t/${thread}/z/`, lt: `t/${thread}/z0` }
}

async function nextRun(room: Room, thread: ThreadId): Promise<Run | undefined> {
  let run: (Run & { envelopes: Uint8Array[] }) | undefined
  let size = 0
  for await (const [key, bytes] of room.entries({ ...rowsOf(thread), limit: MAX_CHUNK_ENVELOPES })) {
    const { actor, seq } = placeIn(key)
    run ??= { thread, actor, first: seq, envelopes: [] }
    size += bytes.length
    if (actor !== run.actor || size > MAX_CHUNK_BYTES) break
    run.envelopes.push(bytes)
  }
  return run
}

/** Behind the change that they name, if it is the one here; else everything. */
async function* beyond(
  mesh: MeshId,
  theirs: Latest,
  read: (from: number) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let known = false
  for await (const bytes of read(theirs.seq - 1)) {
    if (known) yield bytes
    else if (readEnvelope(mesh, bytes).header.hash === theirs.hash) known = true
    else return yield* read(0)
  }
}

/** Changes of one actor above `have` up to `last`. */
async function* between(
  room: Room,
  thread: ThreadId,
  actor: string,
  have: number,
  last: number,
): AsyncGenerator<Uint8Array> {
  const range = { gt: changeKey(thread, actor, have), lte: changeKey(thread, actor, last) }
  const rows = room.entries(range)[Symbol.asyncIterator]()
  try {
    // The rows are looked at first: a run that is compressed in between is then seen twice, never missed.
    let [row, chunks] = await Promise.all([rows.next(), chunksAbove(room, thread, actor, have)])
    let seen = have
    for (const key of chunks) {
      for (const [i, bytes] of (await opened(room, key)).entries()) {
        const seq = placeIn(key).seq + i
        if (seq === seen + 1 && seq <= last) yield bytes
        if (seq === seen + 1) seen = seq
      }
    }
    for (; row.done !== true; row = await rows.next()) if (placeIn(row.value[0]).seq > seen) yield row.value[1]
  } finally {
    await rows.return?.()
  }
}

/** Keys of those that hold any change above `have`: all but the ones before the last that begins at or below it. */
async function chunksAbove(room: Room, thread: ThreadId, actor: string, have: number): Promise<string[]> {
  const keys: string[] = []
  const range = { gt: chunkKey(thread, actor, 0), lt: `t/${thread}/z/${actor}0` }
  for await (const key of room.keys(range)) {
    if (placeIn(key).seq <= have + 1) keys.length = 0
    keys.push(key)
  }
  return keys
}

async function opened(room: Room, key: string): Promise<Uint8Array[]> {
  const chunk = await room.get(key)
  return chunk === undefined ? [] : openChunk(key, chunk)
}

/** Operation numbers only grow along causes, so the smallest of all first ones has none of the others before it. */
async function* mergeByCause(mesh: MeshId, parts: readonly AsyncIterable<Uint8Array>[]): AsyncGenerator<Uint8Array> {
  const iterators = parts.map((part) => part[Symbol.asyncIterator]())
  const next = async (from: (typeof iterators)[number]) => {
    const { value, done } = await from.next()
    return done === true ? [] : [{ from, bytes: value, startOp: readEnvelope(mesh, value).header.startOp }]
  }
  try {
    let firsts = (await Promise.all(iterators.map(next))).flat()
    while (firsts.length > 0) {
      const earliest = firsts.reduce((a, b) => (b.startOp < a.startOp ? b : a))
      yield earliest.bytes
      firsts = [...firsts.filter((first) => first !== earliest), ...(await next(earliest.from))]
    }
  } finally {
    await Promise.all(iterators.map((iterator) => iterator.return?.()))
  }
}
