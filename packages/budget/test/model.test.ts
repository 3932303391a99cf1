import { type CallId, callIdOf, type NanoUsd, openSlot, type Period, type Slot, type ThreadId } from '@bzzz/protocols'
import { guardState } from '@bzzz/store'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Budget, openBudget } from '../src/budget.ts'
import type { CallState } from '../src/calls/call.ts'
import { createAccount } from '../src/ledger/ledgers.ts'
import { verifyLedger } from '../src/ledger/verify.ts'
import { splitCap } from '../src/shares.ts'
import { parseUsd } from '../src/usd.ts'
import { answer, callOf, manifestFor, NOON, prices, seededBytes, signer, thread } from './bench.ts'
import { createMemoryLevel, type MemoryLevel } from './memory-level.ts'

/** Whatever happens to a node in whatever order, its money stays in order. The oracle counts from calls alone. */
const CAPPED = thread(1)
const LIMIT: Record<string, NanoUsd> = {
  d: parseUsd('1'),
  m: parseUsd('2.50'),
  a: parseUsd('0.60'),
  t: parseUsd('0.40'),
}
const limitOf = (period: Period): NanoUsd => LIMIT[period.charAt(0)] ?? (0n as NanoUsd)

type Action =
  | { type: 'reserve'; agent: string; cents: number; thread: ThreadId | null }
  | { type: 'sent' | 'lose' | 'release' | 'repeat'; call: number }
  | { type: 'settle'; call: number; cents: number | null }
  | { type: 'word'; call: number; cents: number }
  | { type: 'wait'; ms: number; agreed: boolean }
  | { type: 'restart' | 'powerCut' }

const HOUR = 3_600_000
const which = fc.nat({ max: 30 })
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('reserve' as const),
      agent: fc.constantFrom('architect', 'security'),
      cents: fc.integer({ min: 0, max: 45 }),
      thread: fc.constantFrom(null, CAPPED),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom('sent' as const, 'lose' as const, 'release' as const, 'repeat' as const),
      call: which,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('settle' as const),
      call: which,
      cents: fc.option(fc.integer({ min: 0, max: 50 })),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('word' as const), call: which, cents: fc.integer({ min: 0, max: 50 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('wait' as const),
      ms: fc.constantFrom(
        1_000,
        31_000,
        12 * HOUR - 20_000,
        12 * HOUR,
        24 * HOUR,
        8 * 24 * HOUR,
        -2 * HOUR,
        -30 * HOUR,
      ),
      agreed: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('restart' as const, 'powerCut' as const) }) },
)

interface Node {
  level: MemoryLevel
  budget: Budget
  nowMs: number
  readonly ids: CallId[]
  readonly lastSlots: Map<Period, Slot>
  /** All that was ever signed, by number: one content each. */
  readonly seen: Map<number, Uint8Array>
}

async function run(actions: readonly Action[]): Promise<void> {
  const randomBytes = seededBytes('model')
  const node = {
    nowMs: NOON,
    ids: [],
    lastSlots: new Map(),
    seen: new Map(),
    level: createMemoryLevel(),
  } as unknown as Node
  const now = () => node.nowMs
  const roomOf = (level: MemoryLevel) => guardState(level).room('budget')
  const account = { peer: signer.peer, incarnation: await createAccount(roomOf(node.level), { now, randomBytes }) }
  const [day, month, perAgentDaily] = [LIMIT.d, LIMIT.m, LIMIT.a] as [NanoUsd, NanoUsd, NanoUsd]
  // Rights from long ago, so that a clock that is set back finds them too.
  const manifest = manifestFor(account, { limits: { day, month }, perAgentDaily, now: () => NOON - 90 * 24 * HOUR }, [
    'ironwood',
  ])
  const open = async (level: MemoryLevel): Promise<void> => {
    node.level = level
    node.budget = await openBudget({ room: roomOf(level), manifest: () => manifest, signer, prices, now, randomBytes })
    await node.budget.openThread(CAPPED, splitCap(parseUsd('0.40'), [{ account, weight: 1 }]))
  }
  await open(node.level)
  for (const [index, next] of actions.entries()) {
    await perform(node, next, index, open)
    await checkSlots(node, manifest.mesh)
    await checkReport(node)
  }
  await verifyLedger(roomOf(node.level))
}

async function perform(
  node: Node,
  action: Action,
  index: number,
  open: (level: MemoryLevel) => Promise<void>,
): Promise<void> {
  const { budget } = node
  switch (action.type) {
    case 'reserve':
      return reserve(node, action, index)
    case 'wait':
      node.nowMs += action.ms
      if (action.agreed) budget.witnessTime(node.nowMs)
      return
    case 'restart': {
      await budget.close()
      const before = figures(budget)
      await open(createMemoryLevel(node.level.synced))
      return expect(figures(node.budget)).toEqual(before)
    }
    case 'powerCut': {
      const request = callOf(5, `cut-${index}`)
      const pending = budget.reserve(request)
      for (let turn = 0; turn < index % 7; turn += 1) await Promise.resolve()
      await open(createMemoryLevel(node.level.synced))
      await pending
      const id = callIdOf(request.turn, 0, 0)
      if ((await node.budget.call(id)) !== undefined) node.ids.push(id)
      return
    }
    default:
      return step(node, action)
  }
}

async function reserve(node: Node, action: Extract<Action, { type: 'reserve' }>, index: number): Promise<void> {
  const request = callOf(action.cents, `call-${index}`, { agent: action.agent, thread: action.thread })
  const id = callIdOf(request.turn, 0, 0)
  const result = await node.budget.reserve(request)
  const calls = await allCalls(node)
  if (result.status === 'reserved') {
    node.ids.push(id)
    const call = await node.budget.call(id)
    for (const period of call?.periods ?? []) {
      if (result.max > 0n) expect(chargedTo(period, calls) + result.max).toBeLessThanOrEqual(limitOf(period))
    }
  } else if (result.status === 'refused' && result.period !== null && !result.reason.includes('clock')) {
    expect(chargedTo(result.period, calls) + result.needed).toBeGreaterThan(limitOf(result.period))
  }
}

/** Whether a step is allowed is the state machine's own test; here it only must not disturb the sums. */
async function step({ budget, ids }: Node, action: Extract<Action, { call: number }>): Promise<void> {
  const id = ids[action.call % Math.max(1, ids.length)]
  if (id === undefined) return
  const call = await budget.call(id)
  const done = {
    sent: () => budget.sent(id),
    lose: () => budget.lose(id, 'lost'),
    release: () => budget.release(id, 'released'),
    settle: () =>
      budget.settle(
        id,
        action.type === 'settle' && action.cents !== null ? answer(action.cents) : { ...answer(0), usage: null },
      ),
    word: async () => {
      const cents = action.type === 'word' ? action.cents : 0
      const { status } = await budget.settleByWord(id, parseUsd(`0.${String(cents).padStart(2, '0')}`))
      expect(status === 'settled').toBe(call?.state === 'uncertain')
    },
    repeat: async () => {
      if (call === undefined) return
      const again = await budget.reserve({ ...call, inputTokens: 0, outputTokens: 1 })
      expect(again.status).toBe('known')
    },
  }
  await done[action.type]().catch((error: unknown) => expect(error).toMatchObject({ code: 'CALL_STATE' }))
}

async function allCalls({ budget, ids }: Node): Promise<CallState[]> {
  return (await Promise.all(ids.map((id) => budget.call(id)))).filter((call) => call !== undefined)
}

function chargedTo(period: Period, calls: readonly CallState[]): bigint {
  const inPeriod = calls.filter((call) => call.periods.includes(period) && call.state !== 'released')
  return inPeriod.reduce((sum, call) => sum + (call.actual ?? call.max), 0n)
}

async function checkReport(node: Node): Promise<void> {
  const calls = await allCalls(node)
  for (const { period, initial, spent, held, available } of node.budget.report().periods) {
    expect(spent + held).toBe(chargedTo(period, calls))
    expect(available).toBe(initial > spent + held ? initial - spent - held : 0n)
    expect(initial).toBe(limitOf(period))
  }
}

async function checkSlots({ budget, lastSlots, seen }: Node, mesh: Parameters<typeof openSlot>[1]): Promise<void> {
  for (const { period, bytes } of await budget.slots()) {
    const slot = openSlot(bytes, mesh)
    const before = lastSlots.get(period)
    expect(slot.seq).toBeGreaterThanOrEqual(before?.seq ?? 1)
    expect(seen.get(slot.seq) ?? bytes).toEqual(bytes)
    seen.set(slot.seq, bytes)
    for (const counter of ['reserved', 'released', 'overrun', 'initial'] as const) {
      expect(slot[counter]).toBeGreaterThanOrEqual(before?.[counter] ?? 0n)
    }
    lastSlots.set(period, slot)
  }
}

function figures(budget: Budget) {
  return budget.report().periods.toSorted((a, b) => (a.period < b.period ? -1 : 1))
}

describe('whatever happens in whatever order', () => {
  it('charges are those of the calls, no admission exceeds a limit, counters only grow, and a restart changes nothing', async () => {
    await fc.assert(fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), run), { numRuns: 80 })
  })
})
