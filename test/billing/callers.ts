import { createHash } from 'node:crypto'
import { type Budget, splitCap } from '@bzzz/budget'
import {
  type Account,
  agentIdOf,
  type CallId,
  dayPeriod,
  type NanoUsd,
  type Period,
  type ThreadId,
  turnIdOf,
} from '@bzzz/protocols'
import type { Billable } from './till.ts'

export interface Spree {
  /** Of this run: with it, calls have names of their own. */
  readonly name: string
  /** So many at once. */
  readonly callers: number
  /** No more are begun when so many have been. */
  readonly calls: number
  /** A call waits so long for rights. */
  readonly patienceMs: number
  /** The most that a call may generate; the least is a fifth of it. */
  readonly tokens: number
  readonly till: string
  readonly thread?: ThreadId
}

export interface Spent {
  readonly begun: number
  readonly settled: number
  /** No answer came. */
  readonly lost: number
  readonly refused: number
  /** Why, each once. */
  readonly reasons: readonly string[]
}

/** Longer than the till's slowest answer. */
const ANSWER_MS = 400

/** Callers that spend, until the calls have been begun or one of them is refused in spite of its patience. */
export async function spend(budget: Budget, now: () => number, spree: Spree): Promise<Spent> {
  let [begun, settled, lost, refused] = [0, 0, 0, 0]
  const reasons = new Set<string>()
  const caller = async () => {
    while (begun < spree.calls && refused === 0) {
      const number = begun++
      const outcome = await oneCall(budget, now, spree, number)
      if (outcome === 'settled') settled += 1
      else if (outcome === 'lost') lost += 1
      else {
        refused += 1
        reasons.add(outcome)
      }
    }
  }
  await Promise.all(Array.from({ length: spree.callers }, caller))
  return { begun, settled, lost, refused, reasons: [...reasons] }
}

async function oneCall(budget: Budget, now: () => number, spree: Spree, number: number): Promise<string> {
  const { peer } = budget.account
  const thread = spree.thread ?? null
  const agent = agentIdOf('spender', peer)
  const inThread = thread ?? ('00000000-0000-7000-8000-000000000000' as ThreadId)
  const turn = turnIdOf({ thread: inThread, phase: `${spree.name}-${number}`, round: 1, agent })
  const least = Math.ceil(spree.tokens / 5)
  const outputTokens = least + (createHash('sha256').update(turn).digest().readUInt16BE(0) % (spree.tokens - least))
  const request = { turn, step: 0, attempt: 0, thread, agent: 'spender', model: 'billed', inputTokens: 0, outputTokens }
  const patience = AbortSignal.timeout(spree.patienceMs)
  const reservation = await budget.reserve({ ...request, send: true }, patience)
  if (reservation.status === 'known') return 'known'
  if (reservation.status === 'refused') return `${reservation.by}: ${reservation.reason}`
  const { call } = reservation
  const trueDay: Period = dayPeriod(now())
  const labels = thread === null ? [trueDay] : [trueDay, `t:${thread}`]
  const generated = await ask(spree.till, { call, node: peer, labels, outputTokens })
  if (generated === undefined) {
    await budget.lose(call, 'no answer in time')
    return 'lost'
  }
  const usage = { input: 0, cachedInput: 0, cacheWrite: 0, output: generated, reasoning: 0, cost: null }
  await budget.settle(call, { usage, reply: '', providerRequestId: null })
  return 'settled'
}

/** @returns generated tokens; undefined when no answer came */
async function ask(till: string, request: Billable): Promise<number | undefined> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS)
    const reply = await fetch(till, { method: 'POST', body: JSON.stringify(request), signal })
    return ((await reply.json()) as { outputTokens: number }).outputTokens
  } catch (error) {
    if ((error as Error).name === 'TimeoutError' || (error as Error).name === 'TypeError') return undefined
    throw error
  }
}

export interface Standing {
  /** Uncertain calls, each with what is held for it. */
  readonly uncertain: readonly { readonly call: CallId; readonly max: bigint }[]
  /** Of the running day. */
  readonly day: { readonly spent: bigint; readonly held: bigint; readonly limit: bigint }
}

const MOST_UNCERTAIN = 10_000

export async function standingOf(budget: Budget, now: () => number): Promise<Standing> {
  const calls = await budget.uncertainCalls(MOST_UNCERTAIN)
  const day = budget.report().periods.find(({ period }) => period === dayPeriod(now()))
  return {
    uncertain: calls.map(({ id, max }) => ({ call: id, max })),
    day: { spent: day?.spent ?? 0n, held: day?.held ?? 0n, limit: day?.limit ?? 0n },
  }
}

export interface CapHome {
  readonly account: Account
  /** Its part of the cap in proportion to the others'. */
  readonly weight: number
}

export async function openCapped(
  budget: Budget,
  thread: ThreadId,
  cap: bigint,
  homes: readonly CapHome[],
): Promise<void> {
  await budget.openThread(thread, splitCap(cap as NanoUsd, homes))
}
