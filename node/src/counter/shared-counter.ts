import { type Budget, type OwnSlot, sumSlots } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import {
  type Account,
  accountKey,
  type OpenedManifest,
  openSlot,
  type Period,
  type Slot,
  slotKey,
} from '@bzzz/protocols'

/**
 * The counter that every node can read: each account's signed sum of a period, kept in the DHT. It is read to be shown;
 * admission never asks it, since a DHT cannot add and what is found may be old.
 */
export interface SharedCounter {
  /** The mesh's total of a period as an interval, with the accounts of which no sum was found. */
  total(period: Period, options: { signal: AbortSignal }): Promise<MeshTotal>
  /** Publishes what is waiting, then stops. */
  close(): Promise<void>
}

export type MeshTotal = ReturnType<typeof sumSlots>

export type CounterFact =
  | { readonly type: 'slot-published'; readonly period: Period; readonly acks: number }
  | { readonly type: 'slot-not-published'; readonly period: Period; readonly error: unknown }
  /** The ledger takes nothing more. */
  | { readonly type: 'slots-not-sealed'; readonly error: unknown }
  | { readonly type: 'slot-unreadable'; readonly period: Period; readonly account: Account; readonly error: unknown }

interface CounterOptions {
  readonly budget: Pick<Budget, 'account' | 'slots' | 'subscribe'>
  readonly mesh: Pick<Mesh, 'subscribe' | 'putRecord' | 'getRecord'>
  /** In force. */
  readonly manifest: () => OpenedManifest
  readonly observe?: (fact: CounterFact) => void
}

/** A settled call is seen by the others after so long at most; each publish costs a DHT query over all nodes. */
const PUBLISH_INTERVAL_MS = 1_000
/** kad-dht does not publish records again by itself. */
const REPUBLISH_INTERVAL_MS = 3_600_000
const PUBLISH_TIMEOUT_MS = 5_000

export function openSharedCounter({ budget, mesh, manifest, observe }: CounterOptions): SharedCounter {
  const own = accountKey(budget.account)
  const closing = new AbortController()
  const waiting = new Set<Period>()
  /** After a start, for a peer that came, and once an hour: whatever there is. */
  let everything = true
  let timer: NodeJS.Timeout | undefined
  let publishing: Promise<void> = Promise.resolve()

  function schedule(): void {
    if (closing.signal.aborted || (waiting.size === 0 && !everything)) return
    timer ??= setTimeout(() => {
      timer = undefined
      publishing = publishing.then(publishWaiting).then(schedule)
    }, PUBLISH_INTERVAL_MS)
  }

  async function publishWaiting(): Promise<void> {
    if (waiting.size === 0 && !everything) return
    const due = everything ? undefined : new Set(waiting)
    waiting.clear()
    everything = false
    try {
      for (const slot of await budget.slots()) if (due === undefined || due.has(slot.period)) await publish(slot)
    } catch (error) {
      observe?.({ type: 'slots-not-sealed', error })
    }
  }

  async function publish(slot: OwnSlot): Promise<void> {
    const { period } = slot
    try {
      const acks = await mesh.putRecord(slot.key, slot.bytes, { signal: AbortSignal.timeout(PUBLISH_TIMEOUT_MS) })
      observe?.({ type: 'slot-published', period, acks })
    } catch (error) {
      // The next change, the next peer that comes, or the hourly round publishes it again.
      observe?.({ type: 'slot-not-published', period, error })
    }
  }

  function again(): void {
    everything = true
    schedule()
  }

  const unwatchBudget = budget.subscribe((period) => {
    waiting.add(period)
    schedule()
  })
  const unwatchMesh = mesh.subscribe((event) => {
    if (event.type === 'peer' && event.status.state === 'online') again()
  })
  const hourly = setInterval(again, REPUBLISH_INTERVAL_MS)
  schedule()

  /** @returns undefined when none is found in time, or what is found is none */
  async function slotOf(account: Account, period: Period, signal: AbortSignal): Promise<Slot | undefined> {
    const { mesh: meshId } = manifest()
    const key = slotKey(meshId, period, account)
    try {
      const ours =
        accountKey(account) === own ? (await budget.slots()).find((slot) => slot.period === period) : undefined
      const bytes = ours?.bytes ?? (await mesh.getRecord(key, { signal }))
      return bytes === undefined ? undefined : openSlot(bytes, meshId)
    } catch (error) {
      observe?.({ type: 'slot-unreadable', period, account, error })
      return undefined
    }
  }

  return {
    async total(period, { signal }) {
      const newest = manifest()
      const slots = await Promise.all(allottedAccounts(newest).map((account) => slotOf(account, period, signal)))
      return sumSlots(
        newest.manifest,
        period,
        slots.filter((slot) => slot !== undefined),
      )
    },
    async close() {
      closing.abort()
      clearTimeout(timer)
      clearInterval(hourly)
      unwatchBudget()
      unwatchMesh()
      await publishing
      await publishWaiting()
    },
  }
}

function allottedAccounts(manifest: OpenedManifest): Account[] {
  const accounts = manifest.manifest.allotments.map((allotment) => allotment.account)
  return [...new Map(accounts.map((account) => [accountKey(account), account])).values()]
}
