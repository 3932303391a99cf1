import { BudgetError, type Refusal, type ReserveRequest } from '@bzzz/budget'
import { agentIdOf, type ThreadId, turnIdOf } from '@bzzz/protocols'
import { billedAmount, dayOf, labelsOf, leftNow } from './bills.ts'
import type { EscrowProcess } from './escrow-process.ts'
import type { EscrowHouse } from './home.ts'
import type { Mutant } from './mutants.ts'
import { CENT, nodeSigner } from './people.ts'
import type { Order } from './plan.ts'
import type { World } from './world.ts'

export interface Caller {
  readonly world: World
  readonly process: EscrowProcess
  readonly mutant: Mutant
  readonly thread: ThreadId
  readonly order: Order
  readonly houses: readonly EscrowHouse[]
  readonly index: number
}

const LATE_MS = 3_600_000

/** What a turn does: holds, sends, settles; a process that stops leaves it where it is. */
export async function placeCall(caller: Caller): Promise<void> {
  const { world, process, order } = caller
  const { budget } = process
  const { figures, clockwork, oracle } = world
  figures.asked += 1
  let waitsSinceMs: number | undefined
  const patience = new AbortController()
  let isAnswered = false
  process.after(order.patienceMs, () => {
    if (!isAnswered) patience.abort('patience is over')
  })
  const reservation = await budget.reserve(requestOf(caller), patience.signal, () => {
    waitsSinceMs ??= clockwork.nowMs
  })
  isAnswered = true
  const waitedMs = waitsSinceMs === undefined ? 0 : clockwork.nowMs - waitsSinceMs
  if (!process.isAlive) return
  if (reservation.status === 'refused') return noteDenial(caller, reservation)
  if (reservation.status === 'known') return
  if (order.stallMs !== null && !(await sendLater(caller, reservation.call, order.stallMs))) return
  figures.served += 1
  figures.waits.push(waitedMs / 1_000)
  process.checkSent(reservation.call)
  oracle.bill({ call: reservation.call, amount: billedAmount(order), labels: labelsOf(world, order, process.nowMs()) })
  process.lookAround(1_000)
  await process.pause(order.durationMs)
  if (order.ending === 'lost' || order.ending === 'late') await budget.lose(reservation.call, 'no answer came')
  if (order.ending === 'lost') return
  if (order.ending === 'late') await process.pause(LATE_MS)
  await budget.settle(reservation.call, answerTo(order))
}

/** @returns whether it may be sent */
async function sendLater(
  { process, mutant, world }: Caller,
  call: Parameters<EscrowProcess['budget']['sent']>[0],
  stallMs: number,
): Promise<boolean> {
  await process.pause(stallMs)
  try {
    await process.budget.sent(call)
  } catch (cause) {
    if (!(cause instanceof BudgetError) || cause.code !== 'CALL_STATE') throw cause
    world.trace(() => `a call hesitated for ${Math.round(stallMs / 1_000)} s and was released`)
    return mutant.sendsReleased === true
  }
  return process.isAlive
}

function requestOf({ order, thread, index }: Caller): ReserveRequest {
  const { peer } = nodeSigner(index)
  const turn = turnIdOf({ thread, phase: `order ${order.number}`, round: 1, agent: agentIdOf(order.agent, peer) })
  return {
    ...{ turn, step: 0, attempt: 0, agent: order.agent, model: 'coin' },
    ...{ thread: order.capped ? thread : null, inputTokens: 0, outputTokens: order.maxCents },
    send: order.stallMs === null,
  }
}

function answerTo({ actualCents, ending }: Order): Parameters<EscrowProcess['budget']['settle']>[1] {
  const usage = { input: 0, cachedInput: 0, cacheWrite: 0, output: actualCents, reasoning: 0, cost: null }
  return { usage: ending === 'unclear' ? null : usage, reply: '{}', providerRequestId: null }
}

function noteDenial({ world, order, houses, index, thread }: Caller, refusal: Refusal): void {
  const { figures, unmet, clockwork, network, oracle, plan } = world
  figures.denied += 1
  world.trace(() => `node ${index} is denied ${order.maxCents} cents: ${refusal.by} ${refusal.period}`)
  const needed = BigInt(order.maxCents) * CENT
  const isBeyondCap = order.capped && plan.limits.thread - oracle.billed('thread') < needed
  if (refusal.lacks.length === 0 || isBeyondCap) return
  const day = dayOf(clockwork.nowMs)
  unmet.set(day, (unmet.get(day) ?? 0n) + billedAmount(order))
  if (leftNow(world) < needed) return
  figures.deniedLeft += 1
  const near = houses.filter((_, other) => network.reaches(index, other) && network.reaches(other, index))
  const spare = near.flatMap(({ process }) => process?.budget.spare() ?? [])
  const running = houses[index]?.process?.budget
    .report()
    .periods.filter(({ kind }) => kind === 'day' || kind === 'month')
  const wanted = [...(running ?? []).map(({ period }) => period), ...(order.capped ? [`t:${thread}`] : [])]
  if (wanted.every((period) => centsIn(spare, period) * CENT >= needed)) figures.deniedReachable += 1
  const there = wanted.map((period) => `${period} ${centsIn(spare, period)}`).join(', ')
  world.trace(() => `reachable of ${order.maxCents} cents: ${there}; left by the bills: ${leftNow(world) / CENT}`)
}

/** Whole cents of some rights that are in a period. */
function centsIn(rights: ReturnType<EscrowProcess['budget']['spare']>, of: string): bigint {
  return rights.reduce((sum, { period, amount }) => (period === of ? sum + amount : sum), 0n) / CENT
}
