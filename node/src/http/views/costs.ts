import type { CostLine, PeriodReport, PeriodTotal } from '@bzzz/budget'
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

/** How this node stands against its own part of the day and the month: that part is what stops a call. */
export function budgetState({ node, budget }: Pick<DoorPorts, 'node' | 'budget'>): BudgetState {
  const { rights, condition, stopped, periods } = budget.report()
  if (condition !== 'open' || stopped !== undefined) return 'frozen'
  if (rights === 'none') return 'no-rights'
  const running = periods.filter(({ kind }) => kind === 'day' || kind === 'month')
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
  const total = await ports.counter.total(period, { signal })
  const own = todayView(ports.budget, nowMs)
  return {
    date: dateOf(period),
    state: budgetState(ports),
    limit_usd: usdOf(total.limit),
    spent_usd: usdOf(total.low),
    spent_at_most_usd: usdOf(total.high),
    reserved_usd: own.held_usd,
    ...byNode(ports, total),
    own,
    ...overruns(ports.budget, period),
  }
}

function overruns(budget: DoorPorts['budget'], today: Period): Pick<DailyCosts, 'overrun_usd' | 'frozen_models'> {
  const { periods, frozenModels } = budget.report()
  return {
    overrun_usd: usdOf(periods.find(({ period }) => period === today)?.overrun ?? 0n),
    frozen_models: frozenModels.map(({ model, billed, held }) => {
      return { model, billed_usd: usdOf(billed), bound_usd: usdOf(held) }
    }),
  }
}

function byNode(ports: DoorPorts, total: PeriodTotal): Pick<DailyCosts, 'by_node' | 'unknown_nodes'> {
  const names = nodeNames(ports)
  const found = total.byAccount.filter(({ wallMs }) => wallMs !== null)
  return {
    by_node: found.map(({ account, charged, wallMs }) => ({
      node_id: names(account.peer),
      peer_id: account.peer,
      spent_usd: usdOf(charged),
      as_of: isoTimeOrNull(wallMs),
    })),
    unknown_nodes: total.missing.map(({ peer }) => names(peer)),
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
