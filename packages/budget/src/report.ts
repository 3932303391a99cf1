import { type NanoUsd, type Period, parsePeriod } from '@bzzz/protocols'
import { type Balance, held, rights } from './books/balance.ts'
import { isFrozen } from './books/books.ts'
import type { CostRow } from './books/costs.ts'
import { availableIn, balanceIn, calendarPeriods, localCapOf, standstillOf } from './calls/admission.ts'
import type { FrozenModel } from './calls/refusal-words.ts'
import type { Terms } from './calls/terms.ts'
import type { Standing } from './ledger/standing.ts'
import { limitOf, rightsOf } from './periods/rights.ts'
import { priceOf } from './prices/cost.ts'
import type { PriceTable } from './prices/table.ts'
import { NO_USD, nanoUsdOf } from './usd.ts'

/** This node's part of what is running now. */
export interface BudgetReport {
  readonly rights: 'allotted' | 'none'
  /** `frozen`: a write failed; nothing is reserved or sent until the node was restarted. */
  readonly condition: 'open' | 'frozen' | 'closed'
  /** Why no call is made, whatever is left, and what to do about it, in words. Not there while calls may be made. */
  readonly standstill?: string
  readonly periods: readonly PeriodReport[]
  /** No call of theirs is admitted until their price is another. */
  readonly frozenModels: readonly FrozenModel[]
}

export interface PeriodReport {
  readonly period: Period
  readonly kind: 'day' | 'month' | 'agent-day' | 'thread'
  /** Of the whole mesh; null for an agent's day and a thread. */
  readonly limit: NanoUsd | null
  /** What this node opened the period with, or will open it with. */
  readonly initial: NanoUsd
  /** Rights that the manifest gave besides. */
  readonly minted: NanoUsd
  /** Rights received from other nodes. */
  readonly received: NanoUsd
  /** Rights given to other nodes. */
  readonly granted: NanoUsd
  /** What these add up to: all that this node may charge. */
  readonly rights: NanoUsd
  /** A lower value of this node's configuration. */
  readonly localCap: NanoUsd | null
  /** Settled. */
  readonly spent: NanoUsd
  /** The part of `spent` that was billed above holds. */
  readonly overrun: NanoUsd
  /** Reserved, sent or uncertain: may still come back in part. */
  readonly held: NanoUsd
  readonly available: NanoUsd
}

export interface Reported {
  readonly terms: Terms
  readonly standing: Standing
  readonly prices: PriceTable
  readonly condition: BudgetReport['condition']
}

export function reportOf({ terms, standing, prices, condition }: Reported): BudgetReport {
  const allotted = rightsOf(terms.manifest, terms.account)
  const periods = reportPeriods(terms, standing)
  const standstill = standstillOf(terms, standing)?.words
  return {
    rights: allotted,
    condition,
    ...(standstill !== undefined && { standstill }),
    periods,
    frozenModels: frozenModels(standing, prices),
  }
}

/** One without a price is as good as frozen, and its overrun as good to know. */
function frozenModels(standing: Standing, prices: PriceTable): FrozenModel[] {
  return [...standing.overruns.values()].flatMap(({ model, actual, max }) => {
    const price = priceOf(prices, model)
    return price === undefined || isFrozen(standing, price) ? [{ model, billed: actual ?? max, held: max }] : []
  })
}

/** Days and months of now, the days of agents that spent on them, and the caps of threads, newest use last. */
function reportPeriods(terms: Terms, standing: Standing): PeriodReport[] {
  const balances = new Map([...standing.periods].map(([period, { balance }]) => [period, balance]))
  const now = calendarPeriods(terms, standing.lastOpened)
  const labels = new Set(now.map((period) => period.slice('d:'.length)))
  const others = [...balances.keys()].filter((period) => {
    const parsed = parsePeriod(period)
    return parsed?.kind === 'thread' || (parsed?.kind === 'agent-day' && labels.has(parsed.label))
  })
  return [...now, ...others].map((period) => periodReport(terms, balanceIn(terms, { balances }, period)))
}

function periodReport(terms: Terms, balance: Balance): PeriodReport {
  const { period, initial, minted, received, granted, spent, overrun } = balance
  const cap = localCapOf(terms, period)
  return {
    period,
    kind: parsePeriod(period)?.kind ?? 'day',
    limit: limitOf(terms.manifest, period) ?? null,
    initial,
    minted,
    received,
    granted,
    rights: rights(balance),
    localCap: cap ?? null,
    spent,
    overrun,
    held: held(balance),
    available: availableIn(balance, cap),
  }
}

/** One day's costs at this node, summed up three ways. */
export interface CostBreakdown {
  readonly day: Period
  readonly byAgent: readonly CostLine[]
  readonly byModel: readonly CostLine[]
  /** The name is the thread's id; calls outside threads are under `-`. */
  readonly byThread: readonly CostLine[]
}

export interface CostLine {
  readonly name: string
  /** Calls that were not released. */
  readonly calls: number
  readonly spent: NanoUsd
  /** The part of `spent` that is whole holds, charged because the provider did not plainly say what was used. */
  readonly unproven: NanoUsd
  readonly held: NanoUsd
  /** Of settled calls whose provider told. */
  readonly inputTokens: number
  readonly outputTokens: number
  /** All of it is play money. */
  readonly simulated: boolean
}

export function breakdownOf(day: Period, rows: readonly CostRow[]): CostBreakdown {
  return {
    day,
    byAgent: linesBy(rows, ({ agent }) => agent),
    byModel: linesBy(rows, ({ model }) => model),
    byThread: linesBy(rows, ({ thread }) => thread ?? '-'),
  }
}

function linesBy(rows: readonly CostRow[], nameOf: (row: CostRow) => string): CostLine[] {
  const groups = Map.groupBy(rows, nameOf)
  const lines = [...groups].map(([name, group]) => group.reduce(addRow, emptyLine(name)))
  return lines.toSorted((a, b) =>
    a.spent + a.held === b.spent + b.held ? 0 : a.spent + a.held > b.spent + b.held ? -1 : 1,
  )
}

function emptyLine(name: string): CostLine {
  return {
    name,
    calls: 0,
    spent: NO_USD,
    unproven: NO_USD,
    held: NO_USD,
    inputTokens: 0,
    outputTokens: 0,
    simulated: true,
  }
}

function addRow(line: CostLine, row: CostRow): CostLine {
  return {
    name: line.name,
    calls: line.calls + row.calls,
    spent: nanoUsdOf(line.spent + row.spent),
    unproven: nanoUsdOf(line.unproven + row.unproven),
    held: nanoUsdOf(line.held + row.held),
    inputTokens: line.inputTokens + row.inputTokens,
    outputTokens: line.outputTokens + row.outputTokens,
    simulated: line.simulated && row.simulated,
  }
}
