import { dayPeriod } from '@bzzz/protocols'
import { expect } from 'vitest'
import { type Random, seededRandom, shuffled } from '../crash/random.ts'
import type { Spent } from './callers.ts'
import { type Spender, settleFromJournal, type Trio } from './trio.ts'

export const LIMIT = 1_000_000_000n
/** At the three nodes, in an order that each round draws. */
const CALLERS = [44, 14, 6]
/** Patience in the last spree, in which nobody is cut off: longer than rights take to come. */
const LAST_PATIENCE_MS = 4_000
/** Within a round it is short: who is cut off is refused, and goes on in the next. */
const PATIENCE_MS = 600

export interface Outcome {
  readonly rounds: number
  readonly kills: number
  /** Requests that the provider got. */
  readonly requests: number
  readonly billed: bigint
  /** Before the operator settled from the journal. */
  readonly before: { readonly billed: bigint; readonly uncertain: bigint }
}

/**
 * Rounds of spending in which one node is cut off, one is killed in the middle of it, and all is mended again; then
 * everything is spent, what is uncertain is settled from the provider's journal, and what that frees is spent as well.
 * The till looks at the limit with each request.
 */
export async function playRounds(trio: Trio, rounds: number, seed: number): Promise<Outcome> {
  const random = seededRandom(seed)
  const day = dayPeriod(Date.now() + trio.aheadMs)
  trio.till.limit(day, LIMIT)
  const fault = () => expect(trio.till.faults, `seed ${seed}`).toEqual([])
  let kills = 0
  for (let round = 0; round < rounds; round++) {
    const share = LIMIT / BigInt(rounds + 2)
    kills += await playRound(trio, round, callsFor(share), random)
    fault()
  }
  await spendAll(trio, 'all')
  fault()
  const uncertain = await uncertainOf(trio.spenders)
  const before = { billed: trio.till.billed(day), uncertain }
  for (let i = 0; i < 3; i++) {
    await settleFromJournal(trio)
    await spendAll(trio, `rest-${i}`)
    fault()
  }
  return { rounds, kills, requests: trio.till.journal.size, billed: trio.till.billed(day), before }
}

/** About as many as cost so much. */
function callsFor(amount: bigint): number {
  return Math.floor(Number(amount) / AVERAGE_COST)
}
const AVERAGE_COST = 630_000

async function playRound(trio: Trio, round: number, calls: number, random: Random): Promise<number> {
  const order = shuffled(trio.spenders, random)
  const [victim, cut] = shuffled(trio.spenders, random) as [Spender, Spender, Spender]
  const how = random(2) === 0 ? 'reset' : 'silent'
  const spree = (index: number) => ({
    ...{ name: `round-${round}`, callers: CALLERS[index] ?? 1, patienceMs: PATIENCE_MS, till: trio.till.url },
    ...{ calls: Math.ceil((calls * (CALLERS[index] ?? 1)) / 64), aheadMs: trio.aheadMs },
  })
  const sprees = order.map((spender, index) => spender.ask('spend', spree(index)).catch(endedBy(spender)))
  const billed = trio.till.journal.size
  await untilBilled(trio, billed + random(Math.max(1, calls >> 2)), sprees)
  trio.cutOff([cut.label], how)
  await untilBilled(trio, trio.till.journal.size + random(Math.max(1, calls >> 2)), sprees)
  await victim.kill()
  await Promise.all(sprees)
  await victim.start()
  trio.heal()
  await trio.whole()
  return 1
}

/** Of a node that was killed nothing is heard; anything else is a fault of its own. */
function endedBy(spender: Spender) {
  return (error: Error): Spent => {
    if (!error.message.includes('the measured process ended')) throw new Error(`${spender.label}: ${error.message}`)
    return { begun: 0, settled: 0, lost: 0, refused: 0, reasons: [] }
  }
}

/** Or until all sprees are over. */
async function untilBilled(trio: Trio, requests: number, sprees: readonly Promise<unknown>[]): Promise<void> {
  let over = false
  void Promise.allSettled(sprees).then(() => {
    over = true
  })
  await expect.poll(() => over || trio.till.journal.size >= requests, { timeout: 30_000, interval: 5 }).toBe(true)
}

/** Everybody spends until nobody has anything left. */
async function spendAll(trio: Trio, name: string): Promise<void> {
  await trio.whole()
  const spree = { callers: 4, calls: 100_000, patienceMs: LAST_PATIENCE_MS, till: trio.till.url, aheadMs: trio.aheadMs }
  await Promise.all(trio.spenders.map((spender) => spender.ask('spend', { ...spree, name })))
}

export async function uncertainOf(spenders: readonly Spender[]): Promise<bigint> {
  const standings = await Promise.all(spenders.map((spender) => spender.ask('standing')))
  return standings.flatMap(({ uncertain }) => uncertain).reduce((sum, { max }) => sum + max, 0n)
}
