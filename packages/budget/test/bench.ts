import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Account,
  agentIdOf,
  type Incarnation,
  newThreadId,
  type OpenedManifest,
  openSlot,
  type PeerId,
  type Period,
  peerIdFromPublicKey,
  type Signer,
  type Slot,
  type ThreadId,
  type TokenUsage,
  turnIdOf,
} from '@bzzz/protocols'
import { openState, type Room, type StateDatabase } from '@bzzz/store'
import { onTestFinished } from 'vitest'
import { type Budget, type BudgetOptions, openBudget } from '../src/budget.ts'
import type { Refusal, Reservation, ReserveRequest } from '../src/calls/reservation.ts'
import type { BudgetFact } from '../src/facts.ts'
import { createAccount } from '../src/ledger/ledgers.ts'
import { type FirstManifest, signFirstManifest } from '../src/manifest/first.ts'
import { loadPrices } from '../src/prices/prices.ts'
import type { PriceTable } from '../src/prices/table.ts'
import { parseUsd } from '../src/usd.ts'

/** Things a test of the budget stands on: keys from names, a clock that is driven, directories that go away. */
export const NOON = Date.parse('2026-11-22T12:00:00Z')
export const SKEW_MS = 60_000

export function signerNamed(name: string): Signer {
  const seed = createHash('sha256').update(name).digest()
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const publicKey = Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32))
  return { peer: peerIdFromPublicKey(publicKey), publicKey, sign: (message) => sign(null, message, key) }
}

/** Bytes that differ at each call and are the same in each run. */
export function seededBytes(seed: string): (length: number) => Uint8Array {
  let count = 0
  return (length) => {
    count += 1
    return Uint8Array.from(createHash('sha512').update(`${seed}/${count}`).digest().subarray(0, length))
  }
}

/** One dollar a million tokens in, two dollars out; `coin` costs a cent per generated token and nothing else worth naming. */
export const prices: PriceTable = loadPrices(
  JSON.stringify({
    currency: 'USD',
    unit: 'per million tokens',
    models: [
      { model: 'm', provider: 'p', input: '1', cachedInput: '0.5', output: '2', date: '2026-11-22', source: 'test' },
      { model: 'coin', provider: 'p', input: '0.000001', output: '10000', date: '2026-11-22', source: 'test' },
      { model: 'home', provider: 'p', input: 0, output: 0, local: true, date: '2026-11-22', source: 'test' },
    ],
  }),
  'test-prices.json',
)

export function thread(number: number): ThreadId {
  return newThreadId(NOON + number, new Uint8Array(10))
}

export const signer = signerNamed('walnut')
const turn = (agent: string, name: string) =>
  turnIdOf({ thread: thread(0), phase: name, round: 1, agent: agentIdOf(agent, signer.peer) })

/** A call of `cents` at most. */
export function callOf(cents: number, name: string, more: Partial<ReserveRequest> = {}): ReserveRequest {
  const agent = more.agent ?? 'architect'
  return {
    turn: turn(agent, name),
    step: 0,
    attempt: 0,
    thread: null,
    agent,
    model: 'coin',
    inputTokens: 0,
    outputTokens: cents,
    ...more,
  }
}

export function usage(output: number, more: Partial<TokenUsage> = {}): TokenUsage {
  return { input: 0, cachedInput: 0, cacheWrite: 0, output, reasoning: 0, cost: null, ...more }
}

/** What a model answered that cost `cents`. */
export function answer(cents: number, reply = '{}'): { usage: TokenUsage; reply: string; providerRequestId: string } {
  return { usage: usage(cents), reply, providerRequestId: 'req-1' }
}

/** A mesh whose rights are all this account's. @param others nodes without rights of their own */
export function manifestFor(
  account: Account,
  more: Partial<FirstManifest> = {},
  others: readonly string[] = [],
): OpenedManifest {
  const machine = (label: string, peer: PeerId) => ({ peer, label, role: 'node' as const, addrs: [] })
  return signFirstManifest({
    network: 'test',
    owner: signerNamed('owner'),
    members: [
      { member: machine('walnut', account.peer), account, weight: 1 },
      ...others.map((label) => ({ member: machine(label, signerNamed(label).peer), account: null, weight: 1 })),
    ],
    limits: { day: parseUsd('1'), month: parseUsd('10') },
    perAgentDaily: null,
    thresholds: { warning: 800, critical: 950 },
    clockSkewMs: SKEW_MS,
    prices,
    now: () => NOON,
    ...more,
  })
}

export interface Bench {
  readonly clock: { ms: number }
  readonly account: Account
  readonly manifest: OpenedManifest
  readonly facts: BudgetFact[]
  readonly budget: Budget
  readonly room: Room
  /** Closes and opens again, on the same ledger. */
  reopen(more?: Partial<BudgetOptions>): Promise<Budget>
  /** Opens what would be on disk after a power cut now, as another budget. */
  afterCrash(): Promise<Budget>
  slot(period: string): Promise<Slot | undefined>
}

/** One node with its own LevelDB. */
export async function openBench(
  terms: Partial<FirstManifest> = {},
  more: Partial<BudgetOptions> = {},
  others: readonly string[] = [],
): Promise<Bench> {
  const clock = { ms: NOON }
  const facts: BudgetFact[] = []
  const directory = await temporaryDirectory()
  let state = await openStateIn(directory)
  const randomBytes = seededBytes(directory)
  const now = () => clock.ms
  const incarnation: Incarnation = await createAccount(state.room('budget'), { now, randomBytes })
  const account = { peer: signer.peer, incarnation }
  const manifest = manifestFor(account, { now, ...terms }, others)
  const observe = (fact: BudgetFact) => void facts.push(fact)
  const open = (database: StateDatabase, again: Partial<BudgetOptions> = {}): Promise<Budget> =>
    openBudget({
      room: database.room('budget'),
      manifest: () => manifest,
      signer,
      prices,
      now,
      randomBytes,
      observe,
      ...more,
      ...again,
    })
  let budget = await open(state)
  return {
    clock,
    account,
    manifest,
    facts,
    get budget() {
      return budget
    },
    get room() {
      return state.room('budget')
    },
    async reopen(again) {
      await budget.close()
      await state.close()
      state = await openStateIn(directory)
      budget = await open(state, again)
      return budget
    },
    async afterCrash() {
      const copy = await temporaryDirectory()
      await cp(directory, copy, { recursive: true, filter: (path) => !path.endsWith('LOCK') })
      return open(await openStateIn(copy))
    },
    async slot(period) {
      const found = (await budget.slots()).find((slot) => slot.period === period)
      return found && openSlot(found.bytes, manifest.mesh)
    },
  }
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-budget-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

async function openStateIn(directory: string): Promise<StateDatabase> {
  const state = await openState({ directory })
  onTestFinished(() => state.close())
  return state
}

export function period(budget: Budget, label: string): ReturnType<Budget['report']>['periods'][number] {
  const found = budget.report().periods.find((line) => line.period === (label as Period))
  if (found === undefined) throw new Error(`${label} is not in the report`)
  return found
}

export function refusalOf(reservation: Reservation): Refusal {
  if (reservation.status !== 'refused') throw new Error(`expected a refusal, got ${reservation.status}`)
  return reservation
}

/** Reserves and returns the id. */
export async function reserved(budget: Budget, request: ReserveRequest) {
  const reservation = await budget.reserve(request)
  if (reservation.status !== 'reserved')
    throw new Error(`expected a reservation, got ${JSON.stringify(reservation, textOfBigints)}`)
  return reservation.call
}

function textOfBigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
