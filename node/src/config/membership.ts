import { formatUsd, parseUsd } from '@bzzz/budget'
import { dayPeriod, monthPeriod, type NanoUsd, type OpenedManifest, type PeerId } from '@bzzz/protocols'
import { ConfigError } from './errors.ts'
import type { Config } from './load.ts'

/** For the log, before it is known whether the manifest names this machine. */
export function probableLabel({ manifest }: OpenedManifest, peer: PeerId, { values }: Config): string {
  return manifest.members.find((candidate) => candidate.peer === peer)?.label ?? values.node_id
}

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
  return manifest.members.map(({ peer, label, role, addrs }) => ({
    peer,
    label,
    role,
    addrs: [
      ...addrs,
      ...values.bootstrap
        .filter((addr) => addr.endsWith(`/p2p/${peer}`))
        .map((addr) => addr.slice(0, addr.lastIndexOf('/p2p/'))),
    ],
  }))
}

/** Where this machine is reached, the best first: as the manifest says, then where it listens, loopback last. */
export function reachedAt({ manifest }: OpenedManifest, peer: PeerId, listening: readonly string[]): string[] {
  const named = manifest.members.find((candidate) => candidate.peer === peer)?.addrs ?? []
  const own = listening.map((addr) => addr.replace(/\/p2p\/[^/]+$/, ''))
  const isLoopback = (addr: string) => addr.startsWith('/ip4/127.') || addr.startsWith('/ip6/::1/')
  return [...new Set([...named, ...own.filter((addr) => !isLoopback(addr)), ...own])]
}

/** A laptop runs no agents, whatever its configuration says. @throws {ConfigError} */
export function refuseAgents({ values, provenance }: Config): void {
  if (values.agents.length === 0) return
  throw new ConfigError(
    'CONFIG_INVALID',
    `${provenance.agents.from}: agents are configured and this machine is a laptop of the mesh, on which none run; leave them out`,
  )
}

/** What all nodes together may spend in the UTC day or month that the clock is in. A mesh is founded with both. */
export function limitNow({ manifest }: OpenedManifest, dim: 'day' | 'month', nowMs: number): NanoUsd {
  const running = dim === 'day' ? dayPeriod(nowMs) : monthPeriod(nowMs)
  const begun = manifest.limits.filter((limit) => limit.dim === dim && limit.from <= running)
  return begun.toSorted((a, b) => (a.from < b.from ? -1 : 1)).at(-1)?.amount ?? (0n as NanoUsd)
}

/** A local limit that differs from the mesh's. */
export interface LocalLimit {
  readonly dim: 'day' | 'month'
  readonly amount: NanoUsd
  /** The mesh's. */
  readonly limit: NanoUsd
  readonly from: string
}

/** A lower local limit caps this node at once; a higher one changes nothing. Either is worth a warning. */
export function localLimits({ values, provenance }: Config, manifest: OpenedManifest, nowMs: number): LocalLimit[] {
  const named = [
    { dim: 'day', name: 'daily_limit' },
    { dim: 'month', name: 'monthly_limit' },
  ] as const
  return named.flatMap(({ dim, name }) => {
    const dollars = values[name]
    if (dollars === undefined) return []
    const amount = parseUsd(String(dollars))
    const limit = limitNow(manifest, dim, nowMs)
    return limit === amount ? [] : [{ dim, amount, limit, from: provenance[name].from }]
  })
}

export function limitWarning({ dim, amount, limit, from }: LocalLimit): { fields: object; words: string } {
  const isLower = amount < limit
  return {
    fields: { dim, local_usd: formatUsd(amount), mesh_usd: formatUsd(limit), from },
    words: isLower
      ? 'a lower local limit caps this node; "bzzz budget lower" changes that of the mesh'
      : 'a higher local limit has no effect; "bzzz budget raise" changes that of the mesh',
  }
}
