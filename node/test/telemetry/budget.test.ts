import type { BudgetReport } from '@bzzz/budget'
import type { CallId, NanoUsd } from '@bzzz/protocols'
import { expect, it } from 'vitest'
import { gaugeBudget, observeBudget } from '../../src/telemetry/budget.ts'
import { lineOf, NOW } from '../http/mesh-of-three.ts'
import { instrumentsUnderTest } from './lines.ts'

const call = { call: 'call' as CallId, agent: 'architect', model: 'gpt', simulated: false }
const nano = (amount: bigint) => amount as NanoUsd

it('counts the steps of calls and the dollars that were settled', async () => {
  const { instruments, metrics } = instrumentsUnderTest()
  const observe = observeBudget(instruments)
  observe({ type: 'reserved', ...call, max: nano(5n) })
  const times = { reservedMs: 1, atMs: 2 }
  observe({
    type: 'settled',
    ...call,
    max: nano(5n),
    amount: nano(1_500_000_000n),
    usage: null,
    evidence: 'none',
    ...times,
  })
  observe({ type: 'written', records: 2, elapsedMs: 3 })
  expect(await metrics()).toEqual([
    'bzzz_budget_calls_total{step="reserved",simulated="false"} 1',
    'bzzz_budget_calls_total{step="settled",simulated="false"} 1',
    'bzzz_budget_settled_usd_total{model="gpt",simulated="false"} 1.5',
    'bzzz_budget_unproven_total{model="gpt",evidence="none"} 1',
    'bzzz_ledger_append_seconds_sum 0.003',
    'bzzz_ledger_append_seconds_count 1',
    'bzzz_ledger_records_total 2',
  ])
})

it('raises its voice with the trouble', () => {
  const { instruments, lines } = instrumentsUnderTest()
  const observe = observeBudget(instruments)
  observe({ type: 'released', ...call, max: nano(5n), reason: 'not sent' })
  observe({ type: 'uncertain', ...call, max: nano(5n), reason: 'the stream broke' })
  observe({ type: 'overrun', ...call, amount: nano(9n), max: nano(5n) })
  expect(lines.map(({ level }) => level)).toEqual(['debug', 'warn', 'error'])
})

it('shows this node’s part of the day and the month', async () => {
  const { instruments, metrics } = instrumentsUnderTest()
  const days = [lineOf('day', 'd:2026-11-21', 7, 7, 0), lineOf('day', 'd:2026-11-22', 33, 2.5, 0.5)]
  const periods = [...days, lineOf('month', 'm:2026-11', 300, 40, 0.5)].map((line) => ({ ...line, limit: null }))
  const report = (): BudgetReport => ({ rights: 'allotted', condition: 'open', periods, frozenModels: [] })
  gaugeBudget(instruments.registry, { report }, () => NOW)
  expect(await metrics()).toEqual([
    'bzzz_budget_initial_usd{period="day"} 33',
    'bzzz_budget_initial_usd{period="month"} 300',
    'bzzz_budget_spent_usd{period="day"} 2.5',
    'bzzz_budget_spent_usd{period="month"} 40',
    'bzzz_budget_held_usd{period="day"} 0.5',
    'bzzz_budget_held_usd{period="month"} 0.5',
    'bzzz_budget_available_usd{period="day"} 30',
    'bzzz_budget_available_usd{period="month"} 259.5',
  ])
})
