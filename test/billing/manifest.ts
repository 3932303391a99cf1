import { createHash } from 'node:crypto'
import { signFirstManifest } from '@bzzz/budget'
import type { Account, NanoUsd, OpenedManifest } from '@bzzz/protocols'
import { identityFromSeed } from 'bzzz'
import { prices } from './home.ts'

/** What two clocks may differ by; the guard band at noon is far from any edge. */
const SKEW_MS = 5_000

/** Limits that all share alike. @param accounts by label */
export function foundingManifest(
  accounts: ReadonlyMap<string, Account>,
  dailyUsd: number,
  nowMs: number,
): OpenedManifest {
  const dollars = (amount: number) => BigInt(Math.round(amount * 1e9)) as NanoUsd
  return signFirstManifest({
    network: 'billing',
    owner: identityFromSeed(seedOf('owner')),
    members: [...accounts].map(([label, account]) => ({
      ...{ member: { peer: account.peer, label, role: 'node', addrs: [] }, account, weight: 1 },
    })),
    limits: { day: dollars(dailyUsd), month: dollars(10 * dailyUsd) },
    perAgentDaily: null,
    thresholds: { warning: 800, critical: 950 },
    clockSkewMs: SKEW_MS,
    prices,
    now: () => nowMs,
  })
}

export function seedOf(label: string): Buffer {
  return createHash('sha256').update(`billing/${label}`).digest()
}
