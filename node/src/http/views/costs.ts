import type { BudgetReport, CostLine, PeriodReport } from '@bzzz/budget'
import {
  type BudgetLineView,
  type BudgetState,
  type CostsBreakdown,
  type DailyCosts,
  dayPeriod,
  type Period,
  usdOf,
} from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'
import { isoTimeOrNull, nodeNames } from './names.ts'
import { type Part, standingOf } from './periods.ts'

/** How this node stands against its own part of the day and the month: that part is what stops a call. */
export function budgetState({ node, budget }: Pick<DoorPorts, 'node' | 'budget'>): BudgetState {
  const { rights, condition, standstill, periods } = budget.report()
  if (condition !== 'open' || standstill !== undefined) return 'frozen'
  const running = periods.filter(({ kind }) => kind === 'day' || kind === 'month')
  // An account without an allotment may live on what others grant it.
  if (rights === 'none' && running.every((line) => line.rights === 0n)) return 'no-rights'
  if (running.some(({ available }) => available <= 0n)) return 'spent'
  const used = Math.max(0, ...running.map(usedThousandths))
  if (used >= node.thresholds.critical) return 'critical'
  return used >= node.thresholds.warning ? 'warning' : 'ok'
}

function usedThousandths(line: PeriodReport): number {
  const share = shareOf(line)
  return share === 0n ? 1000 : Number(((line.spent + line.held) * 1000n) / share)
}

/** What this node may spend: its rights, or less where its own configuration says less. */
function shareOf({ rights, localCap }: PeriodReport): bigint {
  return localCap !== null && localCap < rights ? localCap : rights
}

export function lineView(line: PeriodReport | undefined): BudgetLineView {
  return {
    share_usd: line === undefined ? 0 : usdOf(shareOf(line)),
    spent_usd: usdOf(line?.spent ?? 0n),
    held_usd: usdOf(line?.held ?? 0n),
    available_usd: usdOf(line?.available ?? 0n),
  }
}

/** This node's part of the running UTC day. */
export function todayView(budget: DoorPorts['budget'], nowMs: number): BudgetLineView {
  const today = dayPeriod(nowMs)
  return lineView(budget.report().periods.find(({ period }) => period === today))
}

/** Today, for the whole mesh as far as this node knows, and for this node exactly. */
export async function dailyCostsView(ports: DoorPorts, nowMs: number, signal: AbortSignal): Promise<DailyCosts> {
  const period = dayPeriod(nowMs)
  const report = ports.budget.report()
  const line = report.periods.find((running) => running.period === period)
  const own = lineView(line)
  const standing = line && (await standingOf(ports, line, nowMs, signal))
  return {
    date: dateOf(period),
    state: budgetState(ports),
    limit_usd: usdOf(standing?.limit ?? 0n),
    spent_usd: usdOf(standing?.spent?.low ?? 0n),
    spent_at_most_usd: usdOf(standing?.spent?.high ?? 0n),
    reserved_usd: own.held_usd,
    ...byNode(ports, standing?.parts ?? []),
    own,
    ...overruns(report, period),
  }
}

function overruns(report: BudgetReport, today: Period): Pick<DailyCosts, 'overrun_usd' | 'frozen_models'> {
  return {
    overrun_usd: usdOf(report.periods.find(({ period }) => period === today)?.overrun ?? 0n),
    frozen_models: report.frozenModels.map(({ model, billed, held }) => {
      return { model, billed_usd: usdOf(billed), bound_usd: usdOf(held) }
    }),
  }
}

function byNode(ports: DoorPorts, parts: readonly Part[]): Pick<DailyCosts, 'by_node' | 'unknown_nodes'> {
  const names = nodeNames(ports)
  return {
    by_node: parts.flatMap(({ account: { peer }, charged, atMs }) => {
      const node = { node_id: names(peer), peer_id: peer, as_of: isoTimeOrNull(atMs) }
      return charged === null ? [] : [{ ...node, spent_usd: usdOf(charged) }]
    }),
    unknown_nodes: [
      ...new Set(parts.filter(({ charged }) => charged === null).map(({ account }) => names(account.peer))),
    ],
  }
}

export async function costsBreakdownView({ node, budget }: DoorPorts, nowMs: number): Promise<CostsBreakdown> {
  const period = dayPeriod(nowMs)
  const { byAgent, byModel, byThread } = await budget.breakdown(period)
  return {
    date: dateOf(period),
    node_id: node.label,
    by_agent: byAgent.map(rowView),
    by_model: byModel.map(rowView),
    by_thread: byThread.map(rowView),
  }
}

function rowView(line: CostLine): CostsBreakdown['by_agent'][number] {
  const { name, spent, unproven, held, calls, inputTokens, outputTokens, simulated } = line
  return {
    name,
    spent_usd: usdOf(spent),
    unproven_usd: usdOf(unproven),
    held_usd: usdOf(held),
    calls,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    simulated,
  }
}

function dateOf(day: Period): string {
  return day.slice('d:'.length)
}
