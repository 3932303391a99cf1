import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Budget, createAccount, loadPrices, openBudget, signFirstManifest } from '@bzzz/budget'
import { agentIdOf, newThreadId, turnIdOf } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { identityFromSeed } from 'bzzz'
import { ClassicLevel } from 'classic-level'
import { concurrently, interleaved } from '../interleaved.ts'
import { type Row, rowOf } from '../rows.ts'

const CONCURRENCIES = [1, 16, 64]
const CALLS = { 1: 800, 16: 1_600, 64: 3_200 } as Record<number, number>
/** Calls before the first measured one: less, and the compiler would be measured. */
const WARM_UP = 1_000
/** What a short reply is, and what one append of the floor writes. */
const BYTES = 1_024

/**
 * A call's way through the ledger (held with everything it is charged to, settled with its reply) against the least that
 * could be durable: two synced appends to LevelDB.
 */
export async function budgetSuite(progress: (line: string) => void): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-bench-'))
  const state = await openState({ directory: join(directory, 'state') })
  const level = new ClassicLevel<string, Uint8Array>(join(directory, 'floor'), { valueEncoding: 'view' })
  const budget = await openLargeBudget(state.room('budget'))
  const rows: Row[] = []
  try {
    const calls = callsThrough(budget)
    const appends = appendsTo(level)
    for (const inFlight of CONCURRENCIES) {
      progress(`budget: reserve and settle, ${inFlight} at once`)
      const count = CALLS[inFlight] ?? 0
      await calls(WARM_UP, inFlight)
      await appends(WARM_UP, inFlight)
      const pairs = await interleaved(
        () => calls(count, inFlight),
        () => appends(count, inFlight),
      )
      rows.push(rowOf(`budget.reserve_settle.c${inFlight}`, 'calls/s', '>=0.6', pairs))
    }
  } finally {
    await budget.close()
    await state.close()
    await level.close()
    await rm(directory, { recursive: true, force: true })
  }
  return rows
}

async function openLargeBudget(room: ReturnType<Awaited<ReturnType<typeof openState>>['room']>): Promise<Budget> {
  const signer = identityFromSeed(randomBytes(32))
  const prices = loadPrices(
    JSON.stringify({
      currency: 'USD',
      unit: 'per million tokens',
      models: [{ model: 'bench', provider: 'none', input: '1', output: '2', date: '2026-11-22', source: 'invented' }],
    }),
    'bench',
  )
  const incarnation = await createAccount(room, { now: Date.now, randomBytes })
  const account = { peer: signer.peer, incarnation }
  const manifest = signFirstManifest({
    network: 'bench',
    owner: identityFromSeed(randomBytes(32)),
    members: [{ member: { peer: signer.peer, label: 'bench', role: 'node', addrs: [] }, account, weight: 1 }],
    limits: { day: usd(100_000n), month: usd(1_000_000n) },
    perAgentDaily: null,
    thresholds: { warning: 800, critical: 950 },
    clockSkewMs: 5_000,
    prices,
    now: Date.now,
  })
  return openBudget({ room, manifest: () => manifest, signer, prices, now: Date.now, randomBytes })
}

type NanoUsd = Parameters<typeof signFirstManifest>[0]['limits']['day']
function usd(dollars: bigint): NanoUsd {
  return (dollars * 1_000_000_000n) as NanoUsd
}

/** @returns a run of calls, in calls a second */
function callsThrough(budget: Budget): (count: number, inFlight: number) => Promise<number> {
  const thread = newThreadId(Date.now(), randomBytes(10))
  const agent = agentIdOf('reviewer', budget.account.peer)
  const reply = randomBytes(BYTES / 2).toString('hex')
  let turns = 0

  async function call(): Promise<void> {
    const turn = turnIdOf({ thread, phase: `bench-${turns++}`, round: 1, agent })
    const request = { turn, step: 0, attempt: 0, thread, agent: 'reviewer', model: 'bench' }
    const reservation = await budget.reserve({ ...request, inputTokens: 1_000, outputTokens: 500, send: true })
    if (reservation.status !== 'reserved') throw new Error(`the bench was refused: ${reservation.status}`)
    const usage = { input: 900, cachedInput: 0, cacheWrite: 0, output: 400, reasoning: 0, cost: null }
    await budget.settle(reservation.call, { usage, reply, providerRequestId: 'bench' })
  }
  return (count, inFlight) => perSecond(count, () => concurrently(count, inFlight, call))
}

function appendsTo(level: ClassicLevel<string, Uint8Array>): (count: number, inFlight: number) => Promise<number> {
  const value = randomBytes(BYTES)
  let appended = 0
  async function call(): Promise<void> {
    for (let i = 0; i < 2; i++) await level.put(String(appended++).padStart(12, '0'), value, { sync: true })
  }
  return (count, inFlight) => perSecond(count, () => concurrently(count, inFlight, call))
}

async function perSecond(count: number, work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return count / ((performance.now() - begun) / 1_000)
}
