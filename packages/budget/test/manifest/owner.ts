import {
  type Account,
  type Ack,
  accountKey,
  type Manifest,
  type NanoUsd,
  type OpenedManifest,
  openAck,
  openManifest,
  type Period,
  sealAck,
  sealManifest,
} from '@bzzz/protocols'
import { type SignerBook, withAck, withVersion } from '../../src/manifest/book.ts'
import type { ManifestChange, SignedChange } from '../../src/manifest/change.ts'
import { signFirstManifest } from '../../src/manifest/first.ts'
import { SIGNING_RULES, type SigningRules } from '../../src/manifest/reckoning.ts'
import { signChangeBy } from '../../src/manifest/sign.ts'
import { initialOf } from '../../src/periods/rights.ts'
import { parseUsd } from '../../src/usd.ts'
import { NOON, prices, SKEW_MS, signerNamed } from '../bench.ts'

export const owner = signerNamed('owner')

/** The same for the same name and number: a ledger that was made anew has another number. */
export function accountOf(name: string, ledger = 0): Account {
  return { peer: signerNamed(name).peer, incarnation: String(ledger).repeat(32) as never }
}

/** The owner's desk: a book, a clock, and what was signed. */
export interface Desk {
  book: SignerBook
  readonly clock: { ms: number }
  readonly first: OpenedManifest
  newest(): OpenedManifest
  change(change: ManifestChange): SignedChange
  /** @throws when it is not signed */
  sign(change: ManifestChange): OpenedManifest
  /** As its account would: of the newest version, or another. */
  ack(account: Account, opened?: Record<string, NanoUsd>, of?: OpenedManifest): void
  allotment(account: Account, period: string): NanoUsd
}

export function openDesk(
  names: readonly string[],
  day = '60',
  month = '600',
  rules: SigningRules = SIGNING_RULES,
): Desk {
  const first = signFirstManifest({
    network: 'test',
    owner,
    members: names.map((name) => ({
      member: { peer: signerNamed(name).peer, label: name, role: 'node', addrs: [] },
      account: accountOf(name),
      weight: 1,
    })),
    limits: { day: parseUsd(day), month: parseUsd(month) },
    perAgentDaily: null,
    thresholds: { warning: 800, critical: 950 },
    clockSkewMs: SKEW_MS,
    prices,
    now: () => NOON,
  })
  const seqs = new Map<string, number>()
  const desk: Desk = {
    book: { versions: [first], acks: new Map(), forks: [] },
    clock: { ms: NOON },
    first,
    newest: () => desk.book.versions.at(-1) ?? first,
    change(change) {
      const signed = signChangeBy(rules, desk.book, change, { owner, now: desk.clock.ms })
      if (signed.status === 'signed') desk.book = withVersion(desk.book, signed.next)
      return signed
    },
    sign(change) {
      const signed = desk.change(change)
      if (signed.status !== 'signed') throw new Error(`${signed.status}: ${'reason' in signed ? signed.reason : ''}`)
      return signed.next
    },
    ack(account, opened = {}, of = desk.newest()) {
      const seq = (seqs.get(accountKey(account)) ?? 0) + 1
      seqs.set(accountKey(account), seq)
      desk.book = withAck(desk.book, ackOf(account, of, seq, opened))
    },
    allotment: (account, period) => initialOf(desk.newest().manifest, account, period as Period),
  }
  return desk
}

export function ackOf(account: Account, of: OpenedManifest, seq: number, opened: Record<string, NanoUsd> = {}): Ack {
  const entries = Object.entries(opened).map(([period, initial]) => ({ period: period as Period, initial }))
  const { manifest, hash, mesh } = of
  const body = {
    v: 1 as const,
    account,
    version: manifest.version,
    manifest: Uint8Array.from(hash),
    seq,
    opened: entries,
  }
  const name = ['walnut', 'ironwood', 'acacia', 'hazel', 'rowan'].find((one) => signerNamed(one).peer === account.peer)
  return openAck(sealAck(body, mesh, signerNamed(name ?? '')), mesh)
}

export function nodeNamed(name: string): Manifest['members'][number] {
  return { peer: signerNamed(name).peer, label: name, role: 'node', addrs: [] }
}

/** Another version after this one, signed by a copy of the owner's key. */
export function forkedFrom(before: OpenedManifest, change: Partial<Manifest>): OpenedManifest {
  const { manifest, mesh, hash } = before
  const body = { ...manifest, version: manifest.version + 1, prevHash: Uint8Array.from(hash), ...change }
  return openManifest(sealManifest(body, mesh, owner), mesh)
}
