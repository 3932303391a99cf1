import type { PeriodReport, PeriodTotal } from '@bzzz/budget'
import { type Account, accountKey, type PeriodView, parsePeriod, type ThreadCap, usdOf } from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'
import { isoTime, isoTimeOrNull, nodeNames } from './names.ts'

/** One period as it stands in the mesh: this node's part exactly, the others' as far as they have told. Nano-dollars. */
export interface Standing {
  readonly own: PeriodReport
  /** Null for an agent's day, and a thread of which no cap is known. */
  readonly limit: bigint | null
  /** Null for what only this node's part is known of. */
  readonly spent: { readonly low: bigint; readonly high: bigint } | null
  /** Own one first. */
  readonly parts: readonly Part[]
}

export interface Part {
  readonly account: Account
  readonly own: boolean
  readonly online: boolean
  readonly rights: bigint
  /** Null: it told nothing. */
  readonly charged: bigint | null
  readonly atMs: number | null
}

export function unspentOf({ rights, charged }: Part): bigint {
  const left = rights - (charged ?? 0n)
  return left > 0n ? left : 0n
}

type Ports = Pick<DoorPorts, 'budget' | 'counter' | 'mesh' | 'node'>

/** @param signal ends the look at what the others told; what was found by then counts */
export async function standingOf(
  ports: Ports,
  own: PeriodReport,
  nowMs: number,
  signal: AbortSignal,
): Promise<Standing> {
  if (own.kind !== 'day' && own.kind !== 'month') return { own, limit: own.limit, spent: null, parts: [] }
  return withOwn(ports, own, await ports.counter.total(own.period, { signal }), nowMs)
}

/** The own part is known better here than by the slot that was sealed last, or by none at all. */
function withOwn({ budget, mesh }: Ports, own: PeriodReport, total: PeriodTotal, nowMs: number): Standing {
  const name = accountKey(budget.account)
  const charged = own.spent + own.held
  const online = onlinePeers(mesh)
  const told = total.byAccount.find(({ account }) => accountKey(account) === name)
  const others = total.byAccount.filter((part) => part !== told)
  const counted = told === undefined ? 0n : told.wallMs === null ? told.initial + told.received : told.charged
  const ownPart = { account: budget.account, own: true, online: true, rights: own.rights, charged, atMs: nowMs }
  return {
    own,
    limit: total.limit,
    spent: { low: total.low - (told?.charged ?? 0n) + charged, high: total.high - counted + charged },
    parts: [
      ...(own.rights === 0n && charged === 0n ? [] : [ownPart]),
      ...others.map(({ account, initial, received, granted, charged, wallMs }) => ({
        ...{ account, own: false, online: online.has(account.peer), rights: initial + received - granted },
        ...{ charged: wallMs === null ? null : charged, atMs: wallMs },
      })),
    ],
  }
}

/** A thread's cap was split once, in its first entry; what the others did with their shares is not told here. */
export function threadStanding({ budget, mesh }: Ports, own: PeriodReport, cap: ThreadCap | undefined): Standing {
  if (cap === undefined) return { own, limit: null, spent: null, parts: [] }
  const online = onlinePeers(mesh)
  const name = accountKey(budget.account)
  const parts = cap.shares.map(({ account, amount }): Part => {
    const isOwn = accountKey(account) === name
    const known = { rights: own.rights as bigint, charged: own.spent + own.held }
    const { rights, charged } = isOwn ? known : { rights: BigInt(amount), charged: null }
    return { account, own: isOwn, online: isOwn || online.has(account.peer), rights, charged, atMs: null }
  })
  return { own, limit: BigInt(cap.amount), spent: null, parts }
}

function onlinePeers(mesh: Ports['mesh']): ReadonlySet<string> {
  return new Set(mesh.peers().flatMap(({ peer, state }) => (state === 'online' ? [peer] : [])))
}

export function periodView(ports: Ports, { own, limit, spent, parts }: Standing): PeriodView {
  const names = nodeNames(ports)
  const ends = endMs(own.period)
  return {
    period: own.period,
    kind: own.kind,
    resets_at: ends === null ? null : isoTime(ends),
    limit_usd: limit === null ? null : usdOf(limit),
    spent_usd: spent === null ? null : usdOf(spent.low),
    spent_at_most_usd: spent === null ? null : usdOf(spent.high),
    own: ownView(own),
    nodes: parts.map((part) => ({
      node_id: names(part.account.peer),
      peer_id: part.account.peer,
      online: part.online,
      rights_usd: usdOf(part.rights),
      charged_usd: part.charged === null ? null : usdOf(part.charged),
      unspent_usd: usdOf(unspentOf(part)),
      as_of: isoTimeOrNull(part.atMs),
    })),
  }
}

function ownView(own: PeriodReport): PeriodView['own'] {
  return {
    rights_usd: usdOf(own.rights),
    initial_usd: usdOf(own.initial),
    minted_usd: usdOf(own.minted),
    received_usd: usdOf(own.received),
    granted_usd: usdOf(own.granted),
    local_cap_usd: own.localCap === null ? null : usdOf(own.localCap),
    spent_usd: usdOf(own.spent),
    held_usd: usdOf(own.held),
    overrun_usd: usdOf(own.overrun),
    available_usd: usdOf(own.available),
  }
}

const DAY_MS = 86_400_000

/** When the next period begins, wall milliseconds; null for a thread, which has none. */
export function endMs(period: string): number | null {
  const parsed = parsePeriod(period)
  if (parsed === undefined || parsed.kind === 'thread') return null
  if (parsed.kind !== 'month') return Date.parse(parsed.label) + DAY_MS
  const [year = 0, month = 0] = parsed.label.split('-').map(Number)
  return Date.UTC(year, month, 1)
}
