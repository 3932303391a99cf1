import { type Account, type MeshId, type Period, slotKey } from '@bzzz/protocols'
import type { Standing } from '../ledger/standing.ts'
import { type Clock, recentPeriods } from '../periods/charged.ts'
import type { Task } from '../writer.ts'

/** What this node tells the others it has charged to a period. */
export interface OwnSlot {
  readonly period: Period
  /** Of the DHT. */
  readonly key: Uint8Array
  readonly bytes: Uint8Array
}

/** A signature for each call would cost as much as the rest of its way through the ledger: slots are sealed when asked for. */
export function sealTask(mesh: MeshId, account: Account, standing: Standing, clock: Clock): Task<readonly OwnSlot[]> {
  const asked = periodsOf(standing, clock)
  const ownSlot = (period: Period): OwnSlot[] => {
    const slot = standing.periods.get(period)?.slot
    return slot == null ? [] : [{ period, key: slotKey(mesh, period, account), bytes: slot }]
  }
  return {
    needs: () => ({ calls: [], periods: asked, costs: [] }),
    // What is signed under a number that was given out before would look like a copy's.
    decide: ({ outrun }) => ({ events: [], seal: outrun ? [] : asked, answer: () => asked.flatMap(ownSlot) }),
  }
}

/** The running ones and those of a day ago, and threads with a cap. */
function periodsOf({ periods, lastOpened }: Standing, clock: Clock): Period[] {
  // A clock that was set back goes on charging the last opened ones.
  const running = new Set([...recentPeriods(clock), lastOpened.day, lastOpened.month])
  return [...periods.keys()].filter((period) => period.startsWith('t:') || running.has(period))
}
