import { type MeshId, ProtocolError, readEnvelope, type ThreadId, verifyEnvelope } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { Arrival } from './arrival.ts'
import { openChunk } from './chunks.ts'
import { damaged } from './errors.ts'
import { changeKey, chunkKey } from './log.ts'

export interface CheckedLog {
  readonly log: Arrival[]
  /** What its rows take. */
  readonly storedBytes: number
}

/**
 * All of one thread's log, each signature checked, each row holding what its key says.
 * @throws {ThreadsError} LOG_DAMAGED, too when a change is missing before one that is there
 */
export async function readCheckedLog(room: Room, mesh: MeshId, thread: ThreadId): Promise<CheckedLog> {
  const log: Arrival[] = []
  const last = new Map<string, number>()
  let storedBytes = 0
  for (const range of rowsOf(thread)) {
    for await (const [key, value] of room.entries(range)) {
      storedBytes += value.length
      for (const change of await changesIn(mesh, thread, key, value)) {
        const { actor, seq } = change.header
        const due = (last.get(actor) ?? 0) + 1
        if (seq !== due) throw damaged(`change ${due} of t/${thread}/c/${actor} is missing`)
        last.set(actor, seq)
        log.push(change)
      }
    }
  }
  return { log, storedBytes }
}

/** Chunks first: what they hold comes before what is in rows of its own. Then all else that is under the thread's name. */
function rowsOf(thread: ThreadId) {
  const [chunks, behind] = [`t/${thread}/z/`, `t/${thread}/z0`]
  return [
    { gt: chunks, lt: behind },
    { gt: `t/${thread}/`, lte: chunks },
    { gte: behind, lt: `t/${thread}0` },
  ]
}

async function changesIn(mesh: MeshId, thread: ThreadId, key: string, value: Uint8Array): Promise<Arrival[]> {
  const isChunk = key.startsWith(`t/${thread}/z/`)
  const envelopes = isChunk ? await openChunk(key, value) : [value]
  const changes = envelopes.map((bytes) => openChecked(mesh, key, bytes))
  const [first] = changes
  if (first === undefined) throw damaged(`${key} is empty`)
  const { actor, seq } = first.header
  if (key !== (isChunk ? chunkKey : changeKey)(thread, actor, seq)) throw damaged(`${key} holds another change`)
  for (const change of changes) {
    if (change.thread !== thread || change.header.actor !== actor) throw damaged(`${key} holds another change`)
  }
  return changes
}

/** @throws {ThreadsError} LOG_DAMAGED */
export function openChecked(mesh: MeshId, key: string, bytes: Uint8Array): Arrival {
  try {
    const envelope = readEnvelope(mesh, bytes)
    verifyEnvelope(mesh, envelope)
    return { ...envelope, bytes }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw damaged(`${key} cannot be read: ${cause.message}`, cause)
  }
}
