import { dayPeriod } from '@bzzz/protocols'
import { expect } from 'vitest'
import { type Random, seededRandom, shuffled } from '../crash/random.ts'
import type { Spent } from './callers.ts'
import { TOKEN_PRICE } from './till.ts'
import { type Spender, settleFromJournal, type Trio } from './trio.ts'

export const LIMIT = 1_000_000_000n
/** Of one node come more calls than its part of the limit pays for; which one, the seed says. */
const CALLERS = [44, 14, 6]
/** Patience in the last spree, in which nobody is cut off: longer than rights take to come. */
const LAST_PATIENCE_MS = 2_500
/** Within a round it is short: who is cut off is refused, and goes on in the next. */
const PATIENCE_MS = 600

export interface Game {
  readonly rounds: number
  /** The most that a call may generate. */
  readonly tokens: number
  readonly seed: number
}

export interface Outcome {
  /** Requests that the provider got. */
  readonly requests: number
  readonly billed: bigint
  /** What the ledgers said before the operator settled from the journal. */
  readonly before: { readonly booked: bigint; readonly uncertain: bigint }
  /** What the nodes' ledgers say together, all being settled. */
  readonly booked: bigint
}

/**
 * Rounds of spending in which one node is cut off, one is killed in the middle of it, and all is mended again; then
 * everything is spent, what is uncertain is settled from the provider's journal, and what that frees is spent as well.
 * The till looks at the limit with each request.
 */
export async function playRounds(trio: Trio, { rounds, tokens, seed }: Game): Promise<Outcome> {
  const random = seededRandom(seed)
  const day = dayPeriod(trio.now())
  trio.till.limit(day, LIMIT)
  const spenders = shuffled(trio.spenders, random)
  for (let round = 0; round < rounds; round++) {
    await playRound({ ...trio, spenders }, { round, tokens, share: LIMIT / BigInt(rounds + 2) }, random)
    expectNoFault(trio, seed)
  }
  await spendAll(trio, 'all', tokens)
  const before = await bookedBy(trio)
  for (let i = 0; i < MOST_SETTLEMENTS; i++) {
    await settleFromJournal(trio)
    if (trio.till.billed(day) >= (LIMIT * ENOUGH_OF_1000) / 1_000n) break
    await spendAll(trio, `rest-${i}`, tokens)
  }
  expectNoFault(trio, seed)
  const { booked } = await bookedBy(trio)
  return { requests: trio.till.journal.size, billed: trio.till.billed(day), before, booked }
}

/** What a settlement frees is spent, and some of that becomes uncertain in its turn. */
const MOST_SETTLEMENTS = 4
/** Beyond it the rest is smaller than calls are. */
const ENOUGH_OF_1000 = 990n

function expectNoFault({ till }: Trio, seed: number): void {
  expect(till.faults, `seed ${seed}`).toEqual([])
}

interface Round {
  readonly round: number
  readonly tokens: number
  /** About so much is billed in it. */
  readonly share: bigint
}

/** Of the most that a call may generate, on the average. */
const BILLED_PART = 0.42

async function playRound(trio: Trio, { round, tokens, share }: Round, random: Random): Promise<void> {
  const calls = Math.floor(Number(share) / (tokens * Number(TOKEN_PRICE) * BILLED_PART))
  const [victim, cut] = shuffled(trio.spenders, random) as [Spender, Spender, Spender]
  const how = random(2) === 0 ? 'reset' : 'silent'
  const spree = (index: number) => ({
    ...{ name: `round-${round}`, callers: CALLERS[index] ?? 1, patienceMs: PATIENCE_MS, till: trio.till.url },
    ...{ calls: Math.ceil((calls * (CALLERS[index] ?? 1)) / 64), tokens },
  })
  const sprees = trio.spenders.map((spender, index) => spender.ask('spend', spree(index)).catch(endedBy(spender)))
  const billed = trio.till.journal.size
  await untilBilled(trio, billed + random(Math.max(1, calls >> 2)), sprees)
  trio.cutOff([cut.label], how)
  await untilBilled(trio, trio.till.journal.size + random(Math.max(1, calls >> 2)), sprees)
  await victim.kill()
  await Promise.all(sprees)
  await victim.start()
  trio.heal()
  await trio.whole()
}

/** Of a node that was killed nothing is heard; anything else is a fault of its own. */
export function endedBy(spender: Spender) {
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
async function spendAll({ spenders, till }: Trio, name: string, tokens: number): Promise<void> {
  const spree = { calls: 100_000, patienceMs: LAST_PATIENCE_MS, till: till.url, name, tokens }
  const sprees = spenders.map((spender, i) => spender.ask('spend', { ...spree, callers: CALLERS[i] ?? 1 }))
  await Promise.all(sprees)
}

async function bookedBy({ spenders }: Trio): Promise<Outcome['before']> {
  const told = await Promise.all(spenders.map((spender) => spender.ask('standing')))
  const uncertain = told.flatMap((standing) => standing.uncertain).map(({ max }) => max)
  return { booked: sum(told.map(({ day }) => day.spent)), uncertain: sum(uncertain) }
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n)
}
