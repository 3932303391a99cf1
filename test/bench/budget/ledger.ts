import { randomBytes } from 'node:crypto'
import { type Budget, type BudgetOptions, createAccount, loadPrices, signFirstManifest } from '@bzzz/budget'
import { agentIdOf, newThreadId, turnIdOf } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { identityFromSeed } from 'bzzz'
import { concurrently } from '../interleaved.ts'

/** What a short reply is, and what one append of the floor writes. */
export const BYTES = 1_024

export type LargeLedger = Omit<BudgetOptions, 'room'>

/** Of a mesh of one, whose limits no benchmark reaches. */
export async function largeLedger(room: Room): Promise<LargeLedger> {
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
  return { manifest: () => manifest, signer, prices, now: Date.now, randomBytes }
}

type NanoUsd = Parameters<typeof signFirstManifest>[0]['limits']['day']
function usd(dollars: bigint): NanoUsd {
  return (dollars * 1_000_000_000n) as NanoUsd
}

/** Runs of calls, each held with everything it is charged to, and settled with its reply. */
export function callsThrough(budget: Budget): (count: number, inFlight: number) => Promise<void> {
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
  return (count, inFlight) => concurrently(count, inFlight, call)
}
