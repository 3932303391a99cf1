import type { MeshId, ThreadId } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { Arrival } from './arrival.ts'
import { openChecked } from './checked-log.ts'
import { type Cut, type Cuts, stands } from './equivocation.ts'
import { damaged } from './errors.ts'
import { Quarantine } from './quarantine.ts'

/**
 * Where actors of a thread end, each end proven by two signed changes in quarantine, and nothing in the log beyond it.
 * @throws {ThreadsError} LOG_DAMAGED
 */
export async function readCheckedCuts(
  room: Room,
  mesh: MeshId,
  thread: ThreadId,
  log: readonly Arrival[],
): Promise<Cuts> {
  const changes = await quarantined(room, mesh, thread)
  const cuts = new Map<string, Cut>()
  for await (const [key, value] of room.entries({ gt: `e/${thread}/`, lt: `e/${thread}0` })) {
    const actor = key.slice(key.lastIndexOf('/') + 1)
    const cut = JSON.parse(Buffer.from(value).toString()) as Cut
    const proof = [cut.hash, cut.rival].map((hash) => changes.get(hash)?.header)
    const isProven = cut.hash < cut.rival && proof.every((header) => header?.actor === actor && header.seq === cut.seq)
    if (!isProven) throw damaged(`what is kept as ${key} is not proven`)
    cuts.set(actor, cut)
  }
  for (const { header } of log) {
    if (!stands(header, cuts.get(header.actor))) throw damaged(`change ${header.hash} is beyond its actor's end`)
  }
  return cuts
}

async function quarantined(room: Room, mesh: MeshId, thread: ThreadId): Promise<Map<string, Arrival>> {
  const quarantine = new Quarantine(room)
  const changes = new Map<string, Arrival>()
  for (const hash of await quarantine.hashes(thread)) {
    const key = `q/${thread}/${hash}`
    const row = await quarantine.get(thread, hash)
    const change = openChecked(mesh, key, row?.envelope ?? new Uint8Array())
    if (change.header.hash !== hash || change.thread !== thread) throw damaged(`${key} holds another change`)
    changes.set(hash, change)
  }
  return changes
}
