import { blobHash, type MeshId, ProtocolError, readEnvelope, type ThreadId, verifyEnvelope } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { Arrival } from './arrival.ts'
import { Catalog } from './catalog.ts'
import { ThreadsError } from './errors.ts'
import { LoadedThread } from './loaded.ts'
import { changeKey } from './log.ts'

export interface VerifiedThreads {
  readonly threads: number
  readonly changes: number
  readonly blobs: number
}

/**
 * Reads everything again: that each thread's log has all its changes, signed, and makes its document; that what is kept
 * beside the log is what follows from it; that every blob is what its name says. Costs a pass over the room, and holds one
 * thread or one blob in memory. Not while threads are open on the same room.
 * @throws {ThreadsError} LOG_DAMAGED naming the first thing that is wrong
 */
export async function verifyThreads(room: Room, mesh: MeshId): Promise<VerifiedThreads> {
  const threads = await threadsIn(room)
  let changes = 0
  for (const thread of threads) {
    const log = await readLog(room, mesh, thread)
    await compareIndex(room, thread, log)
    changes += log.length
  }
  return { threads: threads.size, changes, blobs: await verifyBlobs(room) }
}

/** Of the log and of both indexes, whichever names them. */
async function threadsIn(room: Room): Promise<Set<ThreadId>> {
  const threads = new Set<ThreadId>()
  for (const rows of ['t', 'i', 'v']) {
    let thread = await nextThread(room, rows, '')
    while (thread !== undefined) {
      threads.add(thread)
      thread = await nextThread(room, rows, `${thread}0`) // '0' follows '/': behind all rows of that thread
    }
  }
  return threads
}

async function nextThread(room: Room, rows: string, from: string): Promise<ThreadId | undefined> {
  for await (const key of room.keys({ gt: `${rows}/${from}`, lt: `${rows}0`, limit: 1 })) {
    return key.split('/')[1] as ThreadId
  }
  return undefined
}

async function readLog(room: Room, mesh: MeshId, thread: ThreadId): Promise<Arrival[]> {
  const log: Arrival[] = []
  for await (const [key, bytes] of room.entries({ gt: `t/${thread}/`, lt: `t/${thread}0` })) {
    const change = opened(mesh, key, bytes)
    const { actor, seq } = change.header
    const before = log.at(-1)?.header
    const due = before?.actor === actor ? before.seq + 1 : 1
    if (seq !== due) throw damaged(`change ${due} of ${key.slice(0, key.lastIndexOf('/'))} is missing`)
    log.push(change)
  }
  return log
}

function opened(mesh: MeshId, key: string, bytes: Uint8Array): Arrival {
  try {
    const envelope = readEnvelope(mesh, bytes)
    verifyEnvelope(mesh, envelope)
    if (key === changeKey(envelope.thread, envelope.header.actor, envelope.header.seq)) return { ...envelope, bytes }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw damaged(`${key} cannot be read: ${cause.message}`, cause)
  }
  throw damaged(`${key} holds another change`)
}

/** Nobody writes with it: any actor that is in no log. */
const NOBODY = '01'

async function compareIndex(room: Room, thread: ThreadId, log: readonly Arrival[]): Promise<void> {
  const loaded = new LoadedThread(thread, NOBODY, log)
  const summary = loaded.summary(log.reduce((sum, { bytes }) => sum + bytes.length, 0))
  loaded.free()
  const changes = log.map(({ header: { actor, seq }, bytes }) => ({ actor, seq, bytes }))
  const expected = new Map<string, Uint8Array>()
  for (const row of new Catalog().operations(summary, changes)) if ('put' in row) expected.set(row.put, row.value)
  for (const range of [
    { gte: `i/${thread}`, lte: `i/${thread}` },
    { gt: `v/${thread}/`, lt: `v/${thread}0` },
  ]) {
    for await (const [key, value] of room.entries(range)) {
      if (Buffer.compare(expected.get(key) ?? new Uint8Array(), value) !== 0) throw differs(key)
      expected.delete(key)
    }
  }
  const [missing] = expected.keys()
  if (missing !== undefined) throw differs(missing)
}

async function verifyBlobs(room: Room): Promise<number> {
  let blobs = 0
  for await (const [key, bytes] of room.entries({ gt: 'b/', lt: 'b0' })) {
    if (key !== `b/${blobHash(bytes)}`) throw damaged(`${key} is not what its name says`)
    blobs += 1
  }
  return blobs
}

function differs(key: string): ThreadsError {
  return damaged(`what is kept as ${key} is not what its log comes to`)
}

function damaged(what: string, cause?: unknown): ThreadsError {
  return new ThreadsError('LOG_DAMAGED', `the log of threads is damaged: ${what}`, { cause })
}
