import { blobHash, equalBytes, type MeshId, type ThreadId, vectorHash } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { Catalog } from './catalog.ts'
import { type CheckedLog, readCheckedLog } from './checked-log.ts'
import { readCheckedCuts } from './checked-quarantine.ts'
import type { Cuts } from './equivocation.ts'
import { damaged, type ThreadsError } from './errors.ts'
import { LoadedThread } from './loaded.ts'
import { notesOf, rowOf } from './part-notes.ts'
import type { ThreadView } from './view.ts'

export interface VerifiedThreads {
  readonly threads: number
  readonly changes: number
  readonly blobs: number
}

/**
 * Reads everything again: that each thread's log has all its changes, signed, and makes its document; that what is kept
 * beside the log is what follows from it; that where an actor ends is proven; that every blob is what its name says. Costs a pass over the room, and holds one
 * thread or one blob in memory. Not while threads are open on the same room.
 * @throws {ThreadsError} LOG_DAMAGED naming the first thing that is wrong
 */
export async function verifyThreads(room: Room, mesh: MeshId): Promise<VerifiedThreads> {
  const threads = await threadsIn(room)
  let changes = 0
  for (const thread of threads) {
    const { log, storedBytes } = await readCheckedLog(room, mesh, thread)
    const cuts = await readCheckedCuts(room, mesh, thread, log)
    await compareIndex(room, thread, { log, storedBytes, cuts })
    changes += log.length
  }
  return { threads: threads.size, changes, blobs: await verifyBlobs(room) }
}

/** Of the log and of its indexes, whichever names them. */
async function threadsIn(room: Room): Promise<Set<ThreadId>> {
  const threads = new Set<ThreadId>()
  for (const rows of ['t', 'i', 'v', 'e']) {
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

interface Checked extends CheckedLog {
  readonly cuts: Cuts
}

/** Nobody writes with it: any actor that is in no log. */
const NOBODY = '01'

async function compareIndex(room: Room, thread: ThreadId, { log, storedBytes, cuts }: Checked): Promise<void> {
  const loaded = new LoadedThread(thread, NOBODY, log)
  const summary = loaded.summary({ bytes: log.reduce((sum, { bytes }) => sum + bytes.length, 0), storedBytes })
  const view = loaded.view()
  loaded.free()
  const expected = new Map<string, Uint8Array>()
  const changes = log.map(({ header }) => header)
  for (const row of new Catalog().replaceOperations(summary, changes, cuts)) {
    if ('put' in row) expected.set(row.put, row.value)
  }
  for (const range of [
    { gte: `i/${thread}`, lte: `i/${thread}` },
    { gt: `v/${thread}/`, lt: `v/${thread}0` },
    { gt: `e/${thread}/`, lt: `e/${thread}0` },
  ]) {
    for await (const [key, value] of room.entries(range)) {
      if (Buffer.compare(expected.get(key) ?? new Uint8Array(), value) !== 0) throw differs(key)
      expected.delete(key)
    }
  }
  const [missing] = expected.keys()
  if (missing !== undefined) throw differs(missing)
  await compareNotes(room, thread, view, log)
}

/** Notes that the log has gone on since are made again before they are used. */
async function compareNotes(room: Room, document: ThreadId, view: ThreadView, log: CheckedLog['log']): Promise<void> {
  const kept = await room.get(`d/${document}`)
  const digest = vectorHash(new Map(log.map(({ header: { actor, seq, hash } }) => [actor, { seq, hash }])))
  if (kept === undefined || !equalBytes(kept.subarray(0, digest.length), digest)) return
  if (!equalBytes(kept, rowOf(notesOf(view, digest)))) throw differs(`d/${document}`)
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
