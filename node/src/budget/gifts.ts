import type { Budget } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import {
  accountKey,
  type NanoUsd,
  type NodeCard,
  type PeerId,
  type Period,
  parsePeriod,
  readGrant,
} from '@bzzz/protocols'

/** Rights that a node gives without being asked: to a machine that has just come, or all of them when it goes. */
export interface Giving {
  readonly budget: Pick<Budget, 'account' | 'grant' | 'grantsTo' | 'spare'>
  readonly mesh: Pick<Mesh, 'tellBudget'>
  readonly now: () => number
}

export interface Gift {
  readonly to: PeerId
  readonly period: Period
  readonly amount: bigint
}

/** @returns what was given; it is debited and synced, and on its way */
export async function give(
  { budget, mesh, now }: Giving,
  to: Pick<NodeCard, 'peer' | 'incarnation' | 'boot'>,
  amounts: ReadonlyMap<Period, NanoUsd>,
): Promise<Gift[]> {
  const account = { peer: to.peer, incarnation: to.incarnation }
  const before = givenTo(budget, to)
  const needs = [...amounts].flatMap(([period, amount]) => {
    const credited = before.get(period) ?? (0n as NanoUsd)
    return amount > 0n ? [{ period, least: amount, want: amount, credited }] : []
  })
  if (needs.length === 0) return []
  const request = { to: { account, boot: to.boot }, sinceMs: now(), perSecond: 0, needs }
  const granting = await budget.grant(request)
  if (granting.status === 'refused') return []
  return granting.grants.map((bytes) => {
    const { period, cumulative } = readGrant(bytes)
    mesh.tellBudget({ kind: 'grant', bytes: Uint8Array.from(bytes) }, to.peer)
    return { to: to.peer, period, amount: cumulative - (before.get(period) ?? 0n) }
  })
}

/** What an opening of a ledger was given by this account before, by period. */
function givenTo(
  budget: Giving['budget'],
  { peer, incarnation, boot }: Parameters<typeof give>[1],
): Map<Period, NanoUsd> {
  const grants = budget.grantsTo({ peer, incarnation }).map(readGrant)
  return new Map(grants.filter(({ to }) => to.boot.nonce === boot.nonce).map((each) => [each.period, each.cumulative]))
}

/** Days and months in which this account has something to give. */
export function calendarSpare(spare: ReturnType<Budget['spare']>): Map<Period, NanoUsd> {
  const calendar = spare.filter(({ period }) => ['day', 'month'].includes(parsePeriod(period)?.kind ?? ''))
  return new Map(calendar.map(({ period, amount }) => [period, amount]))
}

export function accountOf({ peer, incarnation }: Pick<NodeCard, 'peer' | 'incarnation'>): string {
  return accountKey({ peer, incarnation })
}
