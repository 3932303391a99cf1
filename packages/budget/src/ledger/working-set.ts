import type { CallId, Incarnation, Period } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { Books } from '../books/books.ts'
import { costKey } from '../books/costs.ts'
import { type Call, withoutReply } from '../calls/call.ts'
import { type HeldPeriod, readBoot, readCall, readCost, readPeriod } from './read.ts'
import type { Standing } from './standing.ts'

/** What a batch of tasks asks about or may change. */
export interface Needs {
  readonly calls: readonly CallNeed[]
  /** Besides those of the calls. */
  readonly periods: readonly Period[]
  readonly costs: readonly string[]
  /** Openings that may be the ledger's own. */
  readonly boots?: readonly Incarnation[]
}

export interface CallNeed {
  readonly id: CallId
  /** A key that is there if the call is: spares the search for one that is most likely new. */
  readonly index?: string
}

export interface WorkingSet {
  /**
   * A draft: what is posted to them counts for the tasks that follow in the same batch, and for the node only once the
   * batch is synced.
   */
  readonly books: Books
  /** The periods as they stand on disk. */
  readonly periods: ReadonlyMap<Period, HeldPeriod>
}

/** Just what is needed, from memory and disk. */
export async function loadWorkingSet(room: Room, standing: Standing, needs: Needs): Promise<WorkingSet> {
  const indexOf = new Map(needs.calls.map(({ id, index }) => [id, index]))
  const calls = await load(
    needs.calls.map(({ id }) => id),
    async (id) => standing.live.get(id) ?? (await knownCall(room, id, indexOf.get(id))),
  )
  const found = [...calls.values()]
  const periods = await load(
    [...needs.periods, ...found.flatMap((call) => call.periods)],
    async (period) => standing.periods.get(period) ?? (await readPeriod(room, period)),
  )
  const books = {
    calls,
    balances: new Map([...periods].map(([period, { balance }]) => [period, balance])),
    costs: await load([...needs.costs, ...found.map(costKey)], async (key) => {
      return standing.costs.get(key) ?? (await readCost(room, key))
    }),
    overruns: new Map(standing.overruns),
    lastOpened: { ...standing.lastOpened },
    boots: await load(needs.boots ?? [], (nonce) => readBoot(room, nonce)),
    forked: new Map(standing.forked),
    outrun: standing.outrun,
    acked: standing.acked,
    signedSeq: standing.meta.signedSeq,
  }
  return { books, periods }
}

async function knownCall(room: Room, id: CallId, index: string | undefined): Promise<Call | undefined> {
  if (index !== undefined && !room.has(index)) return undefined
  return withoutReply(await readCall(room, id))
}

async function load<K, V>(keys: readonly K[], read: (key: K) => Promise<V | undefined>): Promise<Map<K, V>> {
  const distinct = [...new Set(keys)]
  const values = await Promise.all(distinct.map(read))
  const found = new Map<K, V>()
  for (const [index, key] of distinct.entries()) {
    const value = values[index]
    if (value !== undefined) found.set(key, value)
  }
  return found
}
