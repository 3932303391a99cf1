import { BudgetError, type Refusal, type ReserveRequest } from '@bzzz/budget'
import { agentIdOf, type CallId, type ThreadId, turnIdOf } from '@bzzz/protocols'
import { billedAmount, chargedLabels, dayOf, labelsOf, leftNow } from './bills.ts'
import type { EscrowProcess } from './escrow-process.ts'
import type { EscrowHouse } from './home.ts'
import type { Mutant } from './mutants.ts'
import type { Label } from './oracle.ts'
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
  const { world, process, order, index } = caller
  const { budget } = process
  const { figures, clockwork, oracle } = world
  figures.asked += 1
  const askedMs = clockwork.nowMs
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
  if (process.stops.isFrozen(order.model, askedMs))
    oracle.note('unstopped', `node ${index} calls ${order.model}, which is frozen`)
  if (process.stops.isStopped) oracle.note('unstopped', `node ${index} calls with an account that was stopped`)
  if (order.stallMs !== null && !(await sendLater(caller, reservation.call, order.stallMs))) return
  figures.served += 1
  figures.waits.push(waitedMs / 1_000)
  process.checkSent(reservation.call)
  oracle.bill({
    call: reservation.call,
    ...billedAmount(order),
    labels: await labelsFor(caller, reservation.call),
  })
  process.lookAround(1_000)
  await process.pause(order.durationMs)
  if (order.ending === 'lost' || order.ending === 'late') await budget.lose(reservation.call, 'no answer came')
  if (order.ending === 'lost') return
  if (order.ending === 'late') await process.pause(LATE_MS)
  await budget.settle(reservation.call, answerTo(order))
}

async function labelsFor({ world, process, order }: Caller, call: CallId): Promise<Label[]> {
  if (!process.clock.wasWrong) return labelsOf(world, order, process.clock.nowMs())
  return chargedLabels(world, order, (await process.budget.call(call))?.periods ?? [])
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
    ...{ turn, step: 0, attempt: 0, agent: order.agent, model: order.model },
    ...{ thread: order.capped ? thread : null, inputTokens: 0, outputTokens: order.maxCents },
    send: order.stallMs === null,
  }
}

function answerTo({ actualCents, ending }: Order): Parameters<EscrowProcess['budget']['settle']>[1] {
  const usage = { input: 0, cachedInput: 0, cacheWrite: 0, output: actualCents, reasoning: 0, cost: null }
  return { usage: ending === 'unclear' ? null : usage, reply: '{}', providerRequestId: null }
}

function noteDenial(caller: Caller, refusal: Refusal): void {
  const { world, order, houses, index, thread } = caller
  const { figures, unmet, clockwork, network, oracle, plan } = world
  figures.denied += 1
  lookAtWords(caller, refusal)
  world.trace(() => `node ${index} is denied ${order.maxCents} cents: ${refusal.by} ${refusal.period}`)
  const needed = BigInt(order.maxCents) * CENT
  const isBeyondCap = order.capped && plan.limits.thread - oracle.billed('thread') < needed
  if (refusal.lacks.length === 0 || isBeyondCap) return
  const day = dayOf(clockwork.nowMs)
  unmet.set(day, (unmet.get(day) ?? 0n) + billedAmount(order).amount)
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

/** A clock that jumped ahead is what is named, and only that. */
function lookAtWords({ world, process, index }: Caller, { by, reason }: Refusal): void {
  const { aheadMs, isWrong, isSettled } = process.clock
  const isNamed = reason.includes(CLOCK_WORDS)
  if (isNamed && isSettled) world.oracle.note('clock', `node ${index} doubts a right clock`)
  const isByTime = by === 'day' || by === 'month'
  if (isWrong && aheadMs > 0 && isByTime && !isNamed) world.oracle.note('clock', `node ${index} says: ${reason}`)
}

const CLOCK_WORDS = "node's clock says"

/** Whole cents of some rights that are in a period. */
function centsIn(rights: ReturnType<EscrowProcess['budget']['spare']>, of: string): bigint {
  return rights.reduce((sum, { period, amount }) => (period === of ? sum + amount : sum), 0n) / CENT
}
