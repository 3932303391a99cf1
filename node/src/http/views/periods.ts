import type { AccountTotal, PeriodReport, PeriodTotal } from '@bzzz/budget'
import { type Account, accountKey, type PeriodView, parsePeriod, type ThreadCap, usdOf } from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'
import { isoTime, isoTimeOrNull, nodeNames } from './names.ts'

/** One period as it stands in the mesh: this node's part exactly, the others' as far as they have told. Nano-dollars. */
export interface Standing {
  readonly own: PeriodReport
  /** Null for an agent's day, and a thread of which no cap is known. */
  readonly limit: bigint | null
  /** By now: what an away node had left when it last told, it may have spent. Null for what only this node's part is known of. */
  readonly spent: { readonly low: bigint; readonly high: bigint } | null
  /** With ledgers that were given up; null where the mesh's figures are not looked at. */
  readonly lost: bigint | null
  /** Own one first. */
  readonly parts: readonly Part[]
}

export interface Part {
  readonly account: Account
  readonly own: boolean
  readonly online: boolean
  /** By the manifest, before anything moved. */
  readonly allotted: bigint
  readonly rights: bigint
  /** Null: it told nothing. */
  readonly charged: bigint | null
  /** What it may still charge or give; of a silent one, at most. */
  readonly unspent: bigint
  readonly atMs: number | null
}

type Ports = Pick<DoorPorts, 'budget' | 'counter' | 'mesh' | 'node' | 'accounts'>

/** @param signal ends the look at what the others told; what was found by then counts */
export async function standingOf(
  ports: Ports,
  own: PeriodReport,
  nowMs: number,
  signal: AbortSignal,
): Promise<Standing> {
  if (own.kind !== 'day' && own.kind !== 'month') return { own, limit: own.limit, spent: null, lost: null, parts: [] }
  return withOwn(ports, own, await ports.counter.total(own.period, { signal }), nowMs)
}

/** The own part is known better here than by the sum that was told last. */
function withOwn({ budget, mesh }: Ports, own: PeriodReport, total: PeriodTotal, nowMs: number): Standing {
  const name = accountKey(budget.account)
  const online = onlinePeers(mesh)
  const told = total.byAccount.find(({ account }) => accountKey(account) === name)
  const charged = own.spent + own.held
  const low = total.low - (told?.charged ?? 0n) + charged
  // What was told of the own part as unspent may have been charged since; of nothing told, all counts as charged.
  const others = total.byAccount.filter((part) => part !== told)
  const high = total.high + (told?.unspent ?? 0n) - aboveZero(own.rights - charged) + unseen(others, online)
  return {
    own,
    limit: total.limit,
    spent: { low, high: high > low ? high : low },
    lost: total.lost,
    parts: [
      ...(own.rights === 0n && charged === 0n ? [] : [ownPart(budget.account, own, nowMs)]),
      ...others.map((part) => otherPart(part, online)),
    ],
  }
}

/** What nodes that are away may have charged since they told. */
function unseen(parts: readonly AccountTotal[], online: ReadonlySet<string>): bigint {
  const away = parts.filter(({ account, state, wallMs }) => {
    return wallMs !== null && state !== 'closed' && !online.has(account.peer)
  })
  return away.reduce((sum, { unspent }) => sum + unspent, 0n)
}

function ownPart(account: Account, own: PeriodReport, nowMs: number): Part {
  const charged = own.spent + own.held
  const unspent = aboveZero(own.rights - charged)
  const allotted = own.initial + own.minted
  return { account, own: true, online: true, allotted, rights: own.rights, charged, unspent, atMs: nowMs }
}

/** Of one that told nothing, all that was given to it may be left, or gone. */
function otherPart(part: AccountTotal, online: ReadonlySet<string>): Part {
  const { account, initial, minted, received, granted, wallMs } = part
  const rights = initial + minted + received - granted
  const told = wallMs !== null
  const [charged, unspent] = told ? [part.charged, part.unspent] : [null, aboveZero(rights)]
  const whose = { account, own: false, online: online.has(account.peer), allotted: initial + minted }
  return { ...whose, rights, charged, unspent, atMs: wallMs }
}

function aboveZero(amount: bigint): bigint {
  return amount > 0n ? amount : 0n
}

/** A thread's cap was split once, in its first entry; what the others did with their shares is not told here. */
export function threadStanding({ budget, mesh }: Ports, own: PeriodReport, cap: ThreadCap | undefined): Standing {
  if (cap === undefined) return { own, limit: null, spent: null, lost: null, parts: [] }
  const online = onlinePeers(mesh)
  const name = accountKey(budget.account)
  const parts = cap.shares.map(({ account, amount }): Part => {
    if (accountKey(account) === name) return { ...ownPart(account, own, 0), atMs: null }
    const [rights, isOnline] = [BigInt(amount), online.has(account.peer)]
    const whose = { account, own: false, online: isOnline, allotted: rights }
    return { ...whose, rights, charged: null, unspent: rights, atMs: null }
  })
  return { own, limit: BigInt(cap.amount), spent: null, lost: null, parts }
}

function onlinePeers(mesh: Ports['mesh']): ReadonlySet<string> {
  return new Set(mesh.peers().flatMap(({ peer, state }) => (state === 'online' ? [peer] : [])))
}

export function periodView(ports: Ports, { own, limit, spent, lost, parts }: Standing): PeriodView {
  const names = nodeNames(ports)
  const ends = endMs(own.period)
  return {
    period: own.period,
    kind: own.kind,
    resets_at: ends === null ? null : isoTime(ends),
    limit_usd: limit === null ? null : usdOf(limit),
    spent_usd: spent === null ? null : usdOf(spent.low),
    spent_at_most_usd: spent === null ? null : usdOf(spent.high),
    lost_usd: lost === null ? null : usdOf(lost),
    own: ownView(own),
    nodes: parts.map((part) => ({
      node_id: `${names(part.account.peer)}${ports.accounts.isGivenUp(part.account) ? ' (ledger given up)' : ''}`,
      peer_id: part.account.peer,
      online: part.online,
      rights_usd: usdOf(part.rights),
      charged_usd: part.charged === null ? null : usdOf(part.charged),
      unspent_usd: usdOf(part.unspent),
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
