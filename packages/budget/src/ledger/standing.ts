import { type Account, agentDayPeriod, type CallId, type Incarnation, type Period } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { Acknowledged } from '../books/acked.ts'
import type { Books, Fork } from '../books/books.ts'
import type { CostRow } from '../books/costs.ts'
import { type Call, withoutReply } from '../calls/call.ts'
import { type Head, readHead } from './chain.ts'
import { OUTRUN, under } from './keys.ts'
import { type HeldPeriod, readAcknowledged, readCall, readMeta, readNewestPeriods, readPeriod } from './read.ts'
import type { Meta } from './views.ts'

/** What the node keeps in memory of its ledger: synced to disk, all of it. */
export interface Standing {
  head: Head
  meta: Meta
  /** Calls of this run that are reserved or sent. */
  readonly live: Map<CallId, Call>
  /** The running day and month, and what was touched last; others are read again when they are needed. */
  readonly periods: Map<Period, HeldPeriod>
  /** Rows that were changed last. */
  readonly costs: Map<string, CostRow>
  readonly overruns: Map<string, Call>
  readonly lastOpened: { day?: Period; month?: Period }
  /** Accounts that were proven to have signed two things under one number. */
  readonly forked: Map<string, Fork>
  /** Set once, when it is learned; on disk under `outrun`. */
  outrun: boolean
  /** By what periods are opened; undefined before the first. */
  acked: Acknowledged | undefined
}

// About 2 kB each, the sealed slot included.
const MAX_HELD_PERIODS = 2_048
const MAX_HELD_COSTS = 2_048
// Caps of threads that are shown and published after a restart; older ones come back with their next call.
const THREADS_AT_OPENING = 500
/** Those of a settlement that comes late, and one that the guard band opened early. */
const LABELS_AT_OPENING = 3

const NEVER_OPENED: Meta = { boot: { counter: 0, nonce: '0'.repeat(32) as Incarnation }, signedSeq: 0 }

/** @throws {BudgetError} LEDGER_BROKEN */
export async function readStanding(room: Room): Promise<Standing> {
  const threads = await readNewestPeriods(room, 'p/t:', THREADS_AT_OPENING)
  const days = await readNewestPeriods(room, 'p/d:', LABELS_AT_OPENING)
  const months = await readNewestPeriods(room, 'p/m:', LABELS_AT_OPENING)
  const [day] = days
  const [month] = months
  const standing: Standing = {
    head: await readHead(room),
    meta: (await readMeta(room)) ?? NEVER_OPENED,
    live: new Map(),
    periods: new Map(),
    costs: new Map(),
    overruns: await readOverruns(room),
    lastOpened: { ...(day && { day }), ...(month && { month }) },
    forked: await readForks(room),
    outrun: room.has(OUTRUN),
    acked: await readAcknowledged(room),
  }
  const agents = (await Promise.all(days.map((label) => agentDays(room, label)))).flat()
  for (const period of [...threads.reverse(), ...agents, ...days, ...months]) {
    const held = await readPeriod(room, period)
    if (held !== undefined) standing.periods.set(period, held)
  }
  return standing
}

/** The day of each agent that has costs on it. */
async function agentDays(room: Room, day: Period): Promise<Period[]> {
  const agents = new Set<string>()
  for await (const key of room.keys(under(`b/${day}/`))) agents.add(key.split('/')[2] ?? '')
  const startMs = Date.parse(day.slice('d:'.length))
  return [...agents].map((agent) => agentDayPeriod(agent, startMs))
}

async function readOverruns(room: Room): Promise<Map<string, Call>> {
  const overruns = new Map<string, Call>()
  for await (const [key, bytes] of room.entries(under('f/'))) {
    const call = withoutReply(await readCall(room, Buffer.from(bytes).toString() as CallId))
    if (call !== undefined) overruns.set(key.slice('f/'.length), call)
  }
  return overruns
}

async function readForks(room: Room): Promise<Map<string, Fork>> {
  const forks = new Map<string, Fork>()
  for await (const [key, proof] of room.entries(under('k/'))) {
    const name = key.slice('k/'.length)
    const [peer, incarnation] = name.split('/')
    forks.set(name, { account: { peer, incarnation } as Account, proof })
  }
  return forks
}

/** Takes over what was written: called once a page is synced, never before. */
export function keep(
  standing: Standing,
  books: Books,
  written: {
    readonly head: Head
    readonly meta: Meta
    readonly periods: readonly HeldPeriod[]
    readonly costs: ReadonlyArray<readonly [string, CostRow]>
  },
): void {
  standing.head = written.head
  standing.meta = written.meta
  for (const [id, call] of books.calls) {
    if (call.state === 'reserved' || call.state === 'sent') standing.live.set(id, call)
    else standing.live.delete(id)
  }
  for (const [model, call] of books.overruns) standing.overruns.set(model, call)
  for (const [name, fork] of books.forked) standing.forked.set(name, fork)
  standing.acked = books.acked
  Object.assign(standing.lastOpened, books.lastOpened)
  const { day, month } = standing.lastOpened
  const running = [day, month].flatMap((period) => (period && standing.periods.get(period)) ?? [])
  for (const held of [...running, ...written.periods])
    touch(standing.periods, held.balance.period, held, MAX_HELD_PERIODS)
  for (const [key, row] of written.costs) touch(standing.costs, key, row, MAX_HELD_COSTS)
}

function touch<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > most && oldest !== undefined) map.delete(oldest)
}
