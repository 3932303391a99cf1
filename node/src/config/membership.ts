import { formatUsd, parseUsd } from '@bzzz/budget'
import type { NanoUsd, OpenedManifest, PeerId } from '@bzzz/protocols'
import { ConfigError } from './errors.ts'
import type { Config } from './load.ts'

/** The name that the manifest gives this machine; not being named in it is told by the others, who let no stranger in. */
export function labelOf({ manifest }: OpenedManifest, peer: PeerId): string {
  const member = manifest.members.find((candidate) => candidate.peer === peer)
  if (member === undefined)
    throw new ConfigError(
      'CONFIG_INVALID',
      `the mesh ${manifest.network} has no member ${peer}; this data directory's key and manifest do not belong together`,
    )
  return member.label
}

/** Addresses of the manifest first, then those of BZZZ_BOOTSTRAP. */
export function membersOf({ manifest }: OpenedManifest, { values }: Config) {
  return manifest.members.map(({ peer, label, addrs }) => ({
    peer,
    label,
    addrs: [
      ...addrs,
      ...values.bootstrap
        .filter((addr) => addr.endsWith(`/p2p/${peer}`))
        .map((addr) => addr.slice(0, addr.lastIndexOf('/p2p/'))),
    ],
  }))
}

/** What all nodes together may spend in a UTC day. A mesh is founded with one. */
export function dayLimitOf({ manifest }: OpenedManifest): NanoUsd {
  return manifest.limits.findLast(({ dim }) => dim === 'day')?.amount ?? (0n as NanoUsd)
}

/** A local limit that differs from the mesh's. */
export interface LocalLimit {
  readonly dim: 'day' | 'month'
  readonly amount: NanoUsd
  /** The mesh's. */
  readonly limit: NanoUsd | undefined
  readonly from: string
}

/** A lower local limit caps this node at once; a higher one changes nothing. Either is worth a warning. */
export function localLimits({ values, provenance }: Config, { manifest }: OpenedManifest): LocalLimit[] {
  const named = [
    { dim: 'day', name: 'daily_limit' },
    { dim: 'month', name: 'monthly_limit' },
  ] as const
  return named.flatMap(({ dim, name }) => {
    const dollars = values[name]
    if (dollars === undefined) return []
    const amount = parseUsd(String(dollars))
    const limit = manifest.limits.find((candidate) => candidate.dim === dim)?.amount
    return limit === amount ? [] : [{ dim, amount, limit, from: provenance[name].from }]
  })
}

export function limitWarning({ dim, amount, limit, from }: LocalLimit): { fields: object; words: string } {
  const isLower = limit !== undefined && amount < limit
  return {
    fields: { dim, local_usd: formatUsd(amount), mesh_usd: limit === undefined ? null : formatUsd(limit), from },
    words: isLower ? 'a lower local limit caps this node' : 'a higher local limit has no effect',
  }
}
