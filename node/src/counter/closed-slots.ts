import { accountKey, type MeshId, openSlot, type Period, parsePeriod, type Slot } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'

/**
 * The last words of accounts that ended, over a restart: whoever left cannot be asked again, and the DHT keeps nothing of those
 * that are no members. One for each account and period, until the period is over for every clock.
 */
export interface ClosedSlots {
  /** In the order in which they were heard. */
  kept(): readonly Uint8Array[]
  /** Any slot that was checked; what is not closed, or no news, is passed over. */
  keep(slot: Slot, bytes: Uint8Array): void
  /** Resolves when all that was to be kept is on disk, or was told not to be. */
  close(): Promise<void>
}

export interface ClosedSlotsOptions {
  readonly room: Pick<Room, 'entries' | 'write'>
  readonly mesh: MeshId
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** A day and a month of every machine that a large mesh may lose in a month; a slot has 64 KiB at most, and most a hundredth. */
const MAX_KEPT = 128
const DAY_MS = 86_400_000
/** The longest month, and clocks that are a day apart. */
const KEPT_MS = { day: 2 * DAY_MS, month: 32 * DAY_MS }

export async function openClosedSlots({ room, mesh, now, onError }: ClosedSlotsOptions): Promise<ClosedSlots> {
  const kept = new Map<string, { readonly slot: Slot; readonly bytes: Uint8Array }>()
  for await (const [key, value] of room.entries()) {
    const bytes = Uint8Array.from(value)
    kept.set(key, { slot: openSlot(bytes, mesh), bytes })
  }
  let writing = Promise.resolve()
  write(dropped())

  /** In the order in which it was decided. */
  function write(operations: readonly Operation[]): void {
    if (operations.length > 0) writing = writing.then(() => room.write(operations)).catch(onError)
  }

  /** Those that are over, and the oldest of too many. */
  function dropped(): Operation[] {
    const over = [...kept].filter(([, { slot }]) => !isRunning(slot.period, now())).map(([key]) => key)
    const running = [...kept.keys()].filter((key) => !over.includes(key))
    const gone = [...over, ...running.slice(0, Math.max(0, running.length - MAX_KEPT))]
    for (const key of gone) kept.delete(key)
    return gone.map((del) => ({ del }))
  }

  return {
    kept: () => [...kept.values()].map(({ bytes }) => bytes),
    keep(slot, bytes) {
      if (slot.state !== 'closed' || !isRunning(slot.period, now())) return
      const key = `${slot.period} ${accountKey(slot.account)}`
      const known = kept.get(key)
      if (known !== undefined && known.slot.seq >= slot.seq) return
      const value = Uint8Array.from(bytes)
      kept.delete(key)
      kept.set(key, { slot, bytes: value })
      write([{ put: key, value }, ...dropped()])
    },
    close: () => writing,
  }
}

function isRunning(period: Period, nowMs: number): boolean {
  const parsed = parsePeriod(period)
  if (parsed?.kind !== 'day' && parsed?.kind !== 'month') return false
  return nowMs < Date.parse(parsed.label) + KEPT_MS[parsed.kind]
}
