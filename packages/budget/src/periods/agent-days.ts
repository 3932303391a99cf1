import { type Account, dayPeriod, type Manifest, type Period, parsePeriod } from '@bzzz/protocols'
import { isAlone, rightsOf } from './rights.ts'

/** How a ledger came into being. */
export interface Beginning {
  readonly atMs: number
  /** In place of another of the same machine, as far as this node remembers. */
  readonly isSecond: boolean
}

/**
 * The last day on which the agents of a machine have nothing left of their own limits, because the ledger that knew what
 * they had spent is gone: the day on which the one in its place was begun, adopted or not. Undefined for a machine's first
 * ledger, and where a machine is its whole mesh and was adopted: whoever does that has said how much more may be spent.
 */
export function usedUpDay(
  { manifest, newest }: { readonly manifest: Manifest; readonly newest: Manifest },
  account: Account,
  { atMs, isSecond }: Beginning,
): Period | undefined {
  if (manifest.perAgentDaily === null) return undefined
  if (isAlone(newest) && rightsOf(manifest, account) === 'allotted') return undefined
  return isSecond || hadAnother(newest, account) ? dayPeriod(atMs + newest.clockSkewMs) : undefined
}

/** Whether an agent's day is not after that day. */
export function isUsedUp(agentDay: Period, until: Period | undefined): boolean {
  const parsed = parsePeriod(agentDay)
  return until !== undefined && parsed?.kind === 'agent-day' && `d:${parsed.label}` <= until
}

function hadAnother({ allotments, closed }: Manifest, { peer, incarnation }: Account): boolean {
  return [...allotments, ...closed].some(({ account }) => account.peer === peer && account.incarnation !== incarnation)
}
