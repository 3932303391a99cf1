import { type BudgetReport, type CostLine, frozenModelWords } from '@bzzz/budget'
import { type BudgetAnswer, dayPeriod, usdOf } from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'
import { alertViewOf } from './alerts.ts'
import { budgetState } from './costs.ts'
import { nodeNames } from './names.ts'
import { periodView, standingOf } from './periods.ts'
import { uncertainSumOf } from './settlements.ts'
import { pausedView, waitingView } from './waiting.ts'

/** How the money of the mesh stands, this node's part exactly. */
export async function budgetView(ports: DoorPorts, nowMs: number, signal: AbortSignal): Promise<BudgetAnswer> {
  const { budget, node, turns } = ports
  const report = budget.report()
  const [uncertain, { byModel }, standings] = await Promise.all([
    uncertainSumOf(budget),
    budget.breakdown(dayPeriod(nowMs)),
    Promise.all(report.periods.map((own) => standingOf(ports, own, nowMs, signal))),
  ])
  const running = new Set(report.periods.map(({ period }) => period))
  const names = nodeNames(ports)
  return {
    node_id: node.label,
    state: budgetState(ports),
    standstill: report.standstill ?? null,
    adopt_due: [...ports.accounts.adoptionsDue()],
    play_money: playMoney(byModel),
    periods: standings.map((standing) => periodView(ports, standing)),
    waiting: budget.waiting().calls.map(waitingView),
    paused: turns.paused().map(pausedView),
    uncertain: { calls: uncertain.calls, held_usd: usdOf(uncertain.held), more: uncertain.more },
    unproven_usd: usdOf(byModel.reduce((sum, { unproven }) => sum + unproven, 0n)),
    frozen_models: frozenModels(report),
    alerts: ports.alerts
      .list()
      .filter(({ period }) => running.has(period))
      .map((alert) => alertViewOf(alert, names)),
  }
}

function playMoney(models: readonly CostLine[]): BudgetAnswer['play_money'] {
  const played = models.filter(({ simulated }) => simulated).length
  if (played === 0) return 'none'
  return played === models.length ? 'all' : 'some'
}

function frozenModels({ frozenModels }: BudgetReport): BudgetAnswer['frozen_models'] {
  return frozenModels.map((frozen) => {
    const { model, billed, held } = frozen
    return { model, billed_usd: usdOf(billed), bound_usd: usdOf(held), words: frozenModelWords(frozen) }
  })
}
