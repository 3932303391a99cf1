import {
  type Account,
  type Dimension,
  dayPeriod,
  type Manifest,
  type Member,
  monthPeriod,
  type NanoUsd,
  type OpenedManifest,
  openManifest,
  type Period,
  type Signer,
  sealManifest,
} from '@bzzz/protocols'
import type { PriceTable } from '../prices/table.ts'
import { splitByWeight } from '../shares.ts'

export interface FoundingMember {
  readonly member: Member
  /** Of its ledger; null for a machine that holds no rights. */
  readonly account: Account | null
  /** Its part of the limits in proportion to the others'; whole, from 1. */
  readonly weight: number
}

export interface FirstManifest {
  readonly network: string
  /** The mesh owner's key, not a node's. */
  readonly owner: Signer
  readonly members: readonly FoundingMember[]
  /** For the whole mesh, per UTC day and month. */
  readonly limits: { readonly day: NanoUsd; readonly month: NanoUsd }
  readonly perAgentDaily: NanoUsd | null
  /** In thousandths of a limit. */
  readonly thresholds: Manifest['thresholds']
  readonly clockSkewMs: number
  readonly prices: PriceTable
  readonly now: () => number
}

/**
 * Founds a mesh: version 1 of its manifest, with the limits split among the accounts.
 * @throws {BudgetError} BAD_SHARES for a wrong weight @throws {ProtocolError} BAD_SHAPE for what a manifest cannot hold
 */
export function signFirstManifest(options: FirstManifest): OpenedManifest {
  const { network, owner, members, limits, perAgentDaily, thresholds, clockSkewMs, prices, now } = options
  const createdMs = now()
  // A member's clock, and the guard band, may still be in the period before (as a signer must reckon with).
  const earliestMs = createdMs - 3 * clockSkewMs
  const from: Record<Dimension, Period> = { day: dayPeriod(earliestMs), month: monthPeriod(earliestMs) }
  const dimensions = ['day', 'month'] as const
  const body: Manifest = {
    v: 1,
    version: 1,
    prevHash: null,
    network,
    createdMs,
    owner: Uint8Array.from(owner.publicKey),
    limits: dimensions.map((dim) => ({ dim, from: from[dim], amount: limits[dim] })),
    perAgentDaily,
    thresholds,
    members: members.map(({ member }) => member),
    allotments: dimensions.flatMap((dim) =>
      allotments(members, limits[dim]).map((share) => ({ ...share, dim, from: from[dim] })),
    ),
    weights: members.flatMap(({ account, weight }) => (account === null ? [] : [{ account, weight }])),
    mints: [],
    closed: [],
    heals: [],
    restored: null,
    clockSkewMs,
    priceTableHash: Uint8Array.from(prices.hash),
  }
  return openManifest(sealManifest(body, 'first', owner), 'first')
}

function allotments(members: readonly FoundingMember[], limit: NanoUsd): { account: Account; amount: NanoUsd }[] {
  const homes = members.flatMap(({ account, weight }) => (account === null ? [] : [{ account, weight }]))
  const shares = splitByWeight(
    limit,
    homes.map(({ weight }) => weight),
  )
  return shares.flatMap((amount, index) => {
    const account = homes[index]?.account
    return account === undefined ? [] : [{ account, amount }]
  })
}
