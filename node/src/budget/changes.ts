import { type Budget, formatUsd, type ManifestChange } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import {
  type Account,
  accountKey,
  dayPeriod,
  type Manifest,
  type Member,
  monthPeriod,
  type NanoUsd,
  type NodeCard,
  type PeerId,
  type Period,
  parsePeriod,
} from '@bzzz/protocols'
import type { SharedCounter } from '../counter/shared-counter.ts'
import type { Membership } from '../membership/membership.ts'
import type { Changed, Owner } from './owner.ts'

/** What an operator may change of the manifest, and what it stands at, in the words of the API. */
export interface ManifestChanges {
  view(signal: AbortSignal): Promise<Standing>
  limit(order: LimitOrder, how?: Doing): Promise<Done>
  adopt(node: string, reissue: NanoUsd | null, how?: Doing): Promise<Done>
  remove(node: string, destroyed: boolean, how?: Doing): Promise<Done>
  restore(gone: readonly string[]): Promise<Done>
  heal(): Promise<Done>
}

/** A dry run answers as the change would, and changes nothing. */
export interface Doing {
  readonly dryRun: boolean
}

export interface LimitOrder {
  readonly dim: 'day' | 'month'
  readonly direction: 'raise' | 'lower'
  readonly amount: NanoUsd
}

type Done = Exclude<Changed, { status: 'refused' }>

export interface Standing {
  readonly version: number
  readonly contested: boolean
  readonly ownerKeyHere: boolean
  readonly nodes: readonly { label: string; peer: PeerId; confirmed: number; online: boolean }[]
  readonly limits: readonly LimitStanding[]
  /** Since the key came back from a backup; null once these run. */
  readonly raisesFrom: { readonly day: Period; readonly month: Period } | null
}

export interface LimitStanding {
  readonly period: string
  readonly dim: 'day' | 'month'
  readonly running: boolean
  readonly limit: bigint
  readonly given: bigint
  readonly mayExceedBy: bigint
  readonly waitingFor: readonly string[]
  /** Null for what has not begun, and where nobody could say. */
  readonly spent: bigint | null
  /** What all nodes together may still charge, at most; null as above. */
  readonly left: bigint | null
}

/** What is asked for is not done, with words for the operator. */
export class ChangeRefused extends Error {
  override readonly name = 'ChangeRefused'
  readonly code: 'CHANGE_REFUSED' | 'NODE_UNKNOWN'

  constructor(code: ChangeRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}

export interface ChangesOptions {
  readonly membership: Membership
  readonly owner: Owner
  readonly budget: Pick<Budget, 'account'>
  readonly mesh: Pick<Mesh, 'peer' | 'cards' | 'peers' | 'subscribe'>
  readonly counter: Pick<SharedCounter, 'total'>
  readonly ownerKeyHere: () => Promise<boolean>
  readonly now: () => number
}

const UNKNOWN = { spent: null, left: null }

const DO: Doing = { dryRun: false }

/** A node that is up confirms within a round trip and a write. */
const CONFIRM_MS = 5_000
/** One that was just started says within it which account it works with. */
const MEET_MS = 5_000

export function createManifestChanges(options: ChangesOptions): ManifestChanges {
  const { membership, owner, budget, mesh, counter, now } = options
  const manifest = (): Manifest => membership.newest().manifest

  async function done(change: ManifestChange, { dryRun }: Doing = DO): Promise<Done> {
    const changed = dryRun ? await owner.check(change) : await owner.change(change)
    if (changed.status === 'refused') throw new ChangeRefused('CHANGE_REFUSED', withLabels(changed.reason))
    return changed
  }

  /** Nobody knows machines by their keys. */
  function withLabels(reason: string): string {
    return manifest().members.reduce((text, { peer, label }) => text.replaceAll(peer, label), reason)
  }

  function memberNamed(name: string): Member {
    const lower = name.toLowerCase()
    const found = manifest().members.find(({ peer, label }) => peer === name || label.toLowerCase() === lower)
    if (found === undefined) throw new ChangeRefused('NODE_UNKNOWN', `no member of the mesh is called ${name}`)
    return found
  }

  const labelOf = (peer: PeerId): string => manifest().members.find((each) => each.peer === peer)?.label ?? peer
  const isOnline = (peer: PeerId): boolean =>
    peer === mesh.peer || mesh.peers().some((each) => each.peer === peer && each.state === 'online')

  function present(dim: 'day' | 'month'): NanoUsd {
    const limits = manifest().limits.filter((each) => each.dim === dim)
    return limits.toSorted((a, b) => (a.from < b.from ? -1 : 1)).at(-1)?.amount ?? (0n as NanoUsd)
  }

  /** The account that a node works with now: a card from before it went away may be of a ledger that it has lost since. */
  async function accountOf({ peer, label }: Member): Promise<Account> {
    if (peer === mesh.peer) return budget.account
    const card = await liveCardOf(mesh, peer, AbortSignal.timeout(MEET_MS))
    if (card !== undefined) return { peer, incarnation: card.incarnation }
    throw new ChangeRefused('CHANGE_REFUSED', unmetWords(label))
  }

  const named = (peer: PeerId): Account[] => {
    const accounts = membership
      .versions()
      .flatMap((version) => [...version.manifest.allotments, ...version.manifest.weights].map(({ account }) => account))
    const own = accounts.filter((account) => account.peer === peer)
    return [...new Map(own.map((account) => [accountKey(account), account])).values()]
  }

  /** Of a node that is gone, all; of this one, all but the one that it works with. */
  function formerOf(peer: PeerId): Account[] {
    const present = accountKey(budget.account)
    return named(peer).filter((account) => accountKey(account) !== present)
  }

  async function chargedIn(
    period: LimitStanding['period'],
    signal: AbortSignal,
  ): Promise<Pick<LimitStanding, 'spent' | 'left'>> {
    const { found, low, left } = await counter.total(period as Parameters<SharedCounter['total']>[0], { signal })
    return found === 0 ? UNKNOWN : { spent: low, left }
  }

  async function view(signal: AbortSignal): Promise<Standing> {
    const confirmed = new Map<PeerId, number>()
    for (const { account, version } of owner.confirmed()) {
      confirmed.set(account.peer, Math.max(version, confirmed.get(account.peer) ?? 0))
    }
    const running = new Set<string>([dayPeriod(now()), monthPeriod(now())])
    const limits = owner.sums().map(async ({ period, limit, believed, waitingFor, mayExceedBy }) => {
      const isRunning = running.has(period)
      const dim: LimitStanding['dim'] = parsePeriod(period)?.kind === 'month' ? 'month' : 'day'
      const charged = isRunning ? await chargedIn(period, signal) : UNKNOWN
      const names = [...new Set(waitingFor.map(({ peer }) => labelOf(peer)))]
      return { period, dim, running: isRunning, limit, given: believed, mayExceedBy, waitingFor: names, ...charged }
    })
    return {
      version: manifest().version,
      contested: membership.contested(),
      ownerKeyHere: await options.ownerKeyHere(),
      nodes: manifest().members.flatMap(({ peer, label, role }) =>
        role === 'node' ? [{ label, peer, confirmed: confirmed.get(peer) ?? 0, online: isOnline(peer) }] : [],
      ),
      limits: await Promise.all(limits),
      raisesFrom: raisesFrom(),
    }
  }

  function raisesFrom(): Standing['raisesFrom'] {
    const { restored } = manifest()
    if (restored === null) return null
    const { beforeDay: day, beforeMonth: month } = restored
    return day > dayPeriod(now()) || month > monthPeriod(now()) ? { day, month } : null
  }

  return {
    view,
    limit: async ({ dim, direction, amount }, how) => {
      const before = present(dim)
      const isSo = direction === 'raise' ? amount > before : amount < before
      if (amount !== before && !isSo) throw new ChangeRefused('CHANGE_REFUSED', otherWayWords(dim, direction, before))
      if (direction === 'raise' && dim === 'day' && amount > present('month'))
        throw new ChangeRefused('CHANGE_REFUSED', crossedWords('month', present('month')))
      if (direction === 'lower' && dim === 'month' && amount < present('day'))
        throw new ChangeRefused('CHANGE_REFUSED', crossedWords('day', present('day')))
      return await done({ kind: 'limit', dim, amount }, how)
    },
    async adopt(node, reissue, how = DO) {
      const member = memberNamed(node)
      const account = await accountOf(member)
      if (how.dryRun) return await wouldAdopt(member, account)
      await restoreFirst(member)
      const adopted = await done({ kind: 'adopt', account })
      if (reissue === null) return adopted
      await owner.untilConfirmed(account, adopted.version, AbortSignal.timeout(CONFIRM_MS))
      await done({ kind: 'reissue', dim: 'day', by: reissue, account })
      return await done({ kind: 'reissue', dim: 'month', by: reissue, account })
    },
    async remove(node, destroyed, how) {
      const { peer, label, role } = memberNamed(node)
      if (peer === mesh.peer)
        throw new ChangeRefused(
          'CHANGE_REFUSED',
          `${label} is this node: remove it from another one, or use "bzzz leave"`,
        )
      if (role === 'node' && !destroyed && !isOnline(peer))
        throw new ChangeRefused('CHANGE_REFUSED', unreachedWords(label))
      return await done({ kind: 'remove-member', peer, how: 'attested' }, how)
    },
    restore: async (gone) => {
      const peers = new Set([mesh.peer, ...gone.map((name) => memberNamed(name).peer)])
      return await done({ kind: 'restore', gone: [...peers].flatMap(formerOf) })
    },
    heal: () => done({ kind: 'heal' }),
  }

  async function wouldAdopt(member: Member, account: Account): Promise<Done> {
    const restores = member.peer === mesh.peer && owner.needsRestore()
    const first: ManifestChange = restores
      ? { kind: 'restore', gone: formerOf(member.peer) }
      : { kind: 'adopt', account }
    return await done(first, { dryRun: true })
  }

  /** The owner's own disk was lost, and the chain with it: that comes first. */
  async function restoreFirst({ peer }: Member): Promise<void> {
    if (peer !== mesh.peer || !owner.needsRestore()) return
    await done({ kind: 'restore', gone: formerOf(peer) })
  }
}

/** Waits for it while the peer is linked anew. @returns undefined with the signal */
async function liveCardOf(
  mesh: ChangesOptions['mesh'],
  peer: PeerId,
  signal: AbortSignal,
): Promise<NodeCard | undefined> {
  const find = () => mesh.cards().find(({ card, live }) => live && card.peer === peer)?.card
  const known = find()
  if (known !== undefined) return known
  const met = Promise.withResolvers<void>()
  const unwatch = mesh.subscribe((event) => {
    if (event.type === 'card' && event.card.peer === peer) met.resolve()
  })
  signal.addEventListener('abort', () => met.resolve(), { once: true })
  await met.promise
  unwatch()
  return find()
}

function otherWayWords(dim: 'day' | 'month', direction: 'raise' | 'lower', before: NanoUsd): string {
  const other = direction === 'raise' ? 'lower' : 'raise'
  return `the limit of a ${dim} is ${formatUsd(before)}, so this would ${other} it: use "bzzz budget ${other}"`
}

/** @param other the limit that is to be changed first */
function crossedWords(other: 'day' | 'month', limit: NanoUsd): string {
  return other === 'month'
    ? `no day can cost more than its month, whose limit is ${formatUsd(limit)}: raise that first`
    : `no day can cost more than its month, and the limit of a day is ${formatUsd(limit)}: lower that first`
}

function unmetWords(label: string): string {
  return `${label} is not reached, and nobody else knows which ledger it works with now: start it, then run this again`
}

function unreachedWords(label: string): string {
  return `${label} is not reached, so it cannot be told to stop: if it is destroyed, or its disk is, say so with --destroyed; what it could still spend until it meets the mesh is at your risk`
}
