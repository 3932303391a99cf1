import type { Budget, OwnSlot } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import type { Period } from '@bzzz/protocols'

export type PublishFact =
  | { readonly type: 'slot-published'; readonly period: Period; readonly acks: number }
  | { readonly type: 'slot-not-published'; readonly period: Period; readonly error: unknown }
  /** The ledger takes nothing more. */
  | { readonly type: 'slots-not-sealed'; readonly error: unknown }

interface PublishOptions {
  readonly budget: Pick<Budget, 'slots' | 'subscribe'>
  readonly mesh: Pick<Mesh, 'subscribe' | 'putRecord'>
  readonly observe: (fact: PublishFact) => void
}

/** A settled call is seen by the others after so long at most; each publish costs a DHT query over all nodes. */
const PUBLISH_INTERVAL_MS = 2_000
/** kad-dht does not publish records again by itself. */
const REPUBLISH_INTERVAL_MS = 3_600_000
const PUBLISH_TIMEOUT_MS = 5_000

/** Puts own sums into the DHT: when they changed, at the start, when a peer came, and once an hour. */
export function publishSlots({ budget, mesh, observe }: PublishOptions): { close(): Promise<void> } {
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
      const slots = (await budget.slots()).filter(({ period }) => due === undefined || due.has(period))
      // A day and its month are shown side by side: one that came later than the other would contradict it.
      await Promise.all(slots.filter(isOfCalendar).map(publish))
      for (const slot of slots) if (!isOfCalendar(slot)) await publish(slot)
    } catch (error) {
      observe({ type: 'slots-not-sealed', error })
    }
  }

  async function publish(slot: OwnSlot): Promise<void> {
    const { period } = slot
    try {
      const acks = await mesh.putRecord(slot.key, slot.bytes, { signal: AbortSignal.timeout(PUBLISH_TIMEOUT_MS) })
      observe({ type: 'slot-published', period, acks })
    } catch (error) {
      // The next change, the next peer that comes, or the hourly round publishes it again.
      observe({ type: 'slot-not-published', period, error })
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

  return {
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

function isOfCalendar({ period }: OwnSlot): boolean {
  return period.startsWith('d:') || period.startsWith('m:')
}
