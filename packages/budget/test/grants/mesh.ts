import { type Account, accountKey, type NanoUsd, type OpenedManifest, type Period, type Signer } from '@bzzz/protocols'
import { guardState, type Room } from '@bzzz/store'
import { type Budget, type BudgetOptions, openBudgetBy } from '../../src/budget.ts'
import type { BudgetFact } from '../../src/facts.ts'
import { createHints, type Hints } from '../../src/grants/hints.ts'
import { type Answer, type SearchEnd, seekRights } from '../../src/grants/seek.ts'
import { createAccount } from '../../src/ledger/ledgers.ts'
import { verifyLedger } from '../../src/ledger/verify.ts'
import { type FirstManifest, signFirstManifest } from '../../src/manifest/first.ts'
import { type Rules, SHIPPED_RULES } from '../../src/rules.ts'
import { parseUsd } from '../../src/usd.ts'
import { NOON, prices, SKEW_MS, seededBytes, signerNamed } from '../bench.ts'
import { createMemoryLevel, type MemoryLevel } from '../memory-level.ts'

/** One node of a mesh whose network is a function call, on a disk in memory. */
export interface Home {
  readonly name: string
  readonly signer: Signer
  readonly account: Account
  readonly budget: Budget
  readonly hints: Hints
  readonly facts: BudgetFact[]
  readonly level: MemoryLevel
  readonly room: Room
  /** As after a power cut: what was synced, and nothing else. */
  restart(more?: Partial<BudgetOptions>): Promise<void>
  /** An older state of the disk is put back, or a copy of it is started elsewhere. */
  putBack(synced: ReadonlyMap<string, Uint8Array>, more?: Partial<BudgetOptions>): Promise<void>
  /** The disk is gone; the key is not. */
  loseDisk(): Promise<void>
  verify(): Promise<unknown>
}

export interface Mesh {
  readonly clock: { ms: number }
  readonly manifest: OpenedManifest
  readonly homes: readonly Home[]
  home(name: string): Home
  /** Everybody hears what everybody could give. */
  gossip(): void
  /** One search of a node, over a network that loses nothing. */
  seek(home: Home): Promise<SearchEnd>
}

export interface MeshTerms extends Partial<FirstManifest> {
  readonly rules?: Rules
  /** A manifest made from the first one: mints, closed accounts. */
  readonly change?: (manifest: OpenedManifest, accounts: readonly Account[]) => OpenedManifest
  readonly weights?: readonly number[]
  /** By how much each clock is ahead, milliseconds. */
  readonly skews?: readonly number[]
}

/** Nodes that share the limits in proportion to their weights, equally without. */
export async function openMesh(names: readonly string[], terms: MeshTerms = {}): Promise<Mesh> {
  const { rules = SHIPPED_RULES, change = (first) => first, weights, skews, ...more } = terms
  const clock = { ms: NOON }
  const now = (): number => clock.ms
  const randomBytes = seededBytes(names.join())
  const levels = new Map(names.map((name) => [name, createMemoryLevel()]))
  const accounts = await Promise.all(
    names.map(async (name): Promise<Account> => {
      const room = guardState(levels.get(name) ?? createMemoryLevel()).room('budget')
      return { peer: signerNamed(name).peer, incarnation: await createAccount(room, { now, randomBytes }) }
    }),
  )
  const first = signFirstManifest({
    network: 'test',
    owner: signerNamed('owner'),
    members: accounts.map((account, index) => ({
      member: { peer: account.peer, label: names[index] ?? '', role: 'node', addrs: [] },
      account,
      weight: weights?.[index] ?? 1,
    })),
    limits: { day: parseUsd('3'), month: parseUsd('30') },
    perAgentDaily: null,
    thresholds: { warning: 800, critical: 950 },
    clockSkewMs: SKEW_MS,
    prices,
    now,
    ...more,
  })
  const manifest = change(first, accounts)
  const homes: Home[] = []
  const mesh: Mesh = {
    clock,
    manifest,
    homes,
    home: (name) => found(homes, (home) => home.name === name),
    gossip() {
      for (const from of homes)
        for (const to of homes) to.hints.hear({ account: from.account, spare: from.budget.spare() })
    },
    seek: (home) =>
      seekRights({ budget: home.budget, hints: home.hints, signal: new AbortController().signal, ask: askOver(homes) }),
  }
  for (const [index, name] of names.entries()) {
    const level = levels.get(name) ?? createMemoryLevel()
    const ownNow = (): number => clock.ms + (skews?.[index] ?? 0)
    homes.push(await openHome(name, level, { manifest: () => manifest, now: ownNow, randomBytes, rules }))
  }
  return mesh
}

function askOver(homes: readonly Home[]) {
  return async (donor: Account, request: Parameters<Budget['grant']>[0]): Promise<Answer | undefined> => {
    const { budget } = found(homes, ({ account }) => accountKey(account) === accountKey(donor))
    return { granting: await budget.grant(request), spare: budget.spare() }
  }
}

async function openHome(
  name: string,
  first: MemoryLevel,
  { rules, ...shared }: Pick<BudgetOptions, 'manifest' | 'now' | 'randomBytes'> & { rules: Rules },
): Promise<Home> {
  const signer = signerNamed(name)
  const facts: BudgetFact[] = []
  let level = first
  let room = guardState(level).room('budget')
  let hints: Hints
  let budget: Budget
  async function open(on: MemoryLevel, more: Partial<BudgetOptions> = {}): Promise<void> {
    level = on
    room = guardState(level).room('budget')
    const reachable = (period: Period): bigint => hints.reachable(period)
    const observe = (fact: BudgetFact): void => void facts.push(fact)
    budget = await openBudgetBy(rules, { room, signer, prices, observe, reachable, ...shared, ...more })
    hints = createHints({ own: budget.account, now: shared.now })
  }
  await open(first)
  return {
    ...{ name, signer, facts },
    get account() {
      return budget.account
    },
    get budget() {
      return budget
    },
    get hints() {
      return hints
    },
    get level() {
      return level
    },
    get room() {
      return room
    },
    restart: (more) => open(createMemoryLevel(level.synced), more),
    putBack: (synced, more) => open(createMemoryLevel(synced), more),
    loseDisk: () => open(createMemoryLevel()),
    verify: () => verifyLedger(room, shared.manifest().mesh),
  }
}

export function found<T>(items: readonly T[], is: (item: T) => boolean): T {
  const item = items.find(is)
  if (item === undefined) throw new Error('nothing of that kind')
  return item
}

export function cents(amount: number): NanoUsd {
  return parseUsd((amount / 100).toFixed(2))
}
