import {
  type AlertView,
  type BudgetAnswer,
  budgetAnswer,
  type CostsBreakdown,
  costsBreakdown,
  nodeStatus,
} from '@bzzz/protocols'
import { type Command, Option } from 'commander'
import { periodLines } from './budget-periods.ts'
import { showUncertain } from './budget-uncertain.ts'
import type { NodeClient } from './client.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { adoptLines } from './manifest-words.ts'
import { ago, dollars, plain, table } from './terminal.ts'

interface ShowOptions extends GlobalOptions {
  readonly by?: 'agent' | 'model' | 'thread'
  readonly uncertain?: boolean
}

export function addShow(budget: Command, context: CommandContext): void {
  withGlobalOptions(budget.command('show'))
    .description("the mesh's spending against its limits, by node, and what this node may still spend")
    .addOption(new Option('--by <what>', "add today's calls of this node").choices(['agent', 'model', 'thread']))
    .option('--uncertain', 'only the calls of this node that may have been billed, and nobody knows')
    .addHelpText(
      'after',
      examples('bzzz budget show', 'bzzz budget show --by thread --json', 'bzzz budget show --uncertain'),
    )
    .action(async (options: ShowOptions) => {
      if (options.uncertain === true) return await showUncertain(context, options)
      const client = await clientFor(context, options)
      const standing = await client.get('agents', '/api/budget', budgetAnswer)
      const { by } = options
      const breakdown =
        by === undefined ? undefined : await client.get('agents', '/api/costs/breakdown', costsBreakdown)
      const laptop = standing.state === 'no-rights' && (await isLaptop(client))
      print(context, options, breakdown === undefined ? standing : { ...standing, breakdown }, () =>
        [
          ...standingLines(standing, laptop, context),
          ...(by === undefined || breakdown === undefined ? [] : breakdownTable(by, breakdown, context)),
        ].join('\n'),
      )
    })
}

/** It spends nothing, by what it is and not by a fault. */
async function isLaptop(client: NodeClient): Promise<boolean> {
  return (await client.get('node', '/api/status', nodeStatus)).node.role === 'laptop'
}

const PLAYED = {
  none: '',
  some: "; some of today's calls here are play money, which counts like dollars",
  all: "; all of today's calls here are play money, which counts like dollars",
} as const

function standingLines(standing: BudgetAnswer, laptop: boolean, context: CommandContext): string[] {
  const { state, standstill, play_money, periods } = standing
  const [day] = periods
  const shown = periods.filter(({ kind, own }) => isShared(kind) || own.held_usd > 0)
  return [
    `${day?.period.slice(2) ?? ''} (UTC), this node: ${laptop ? 'none (a laptop)' : state}${PLAYED[play_money]}`,
    ...(standstill === null ? [] : [`  no call is made: ${plain(standstill)}`]),
    ...adoptLines(standing.adopt_due).map((line) => `  ${line}`),
    ...shown.slice(0, MAX_PERIODS).flatMap((period) => periodLines(period, context, { ownPart: !laptop })),
    ...standing.alerts.map((alert) => alertLine(alert, context)),
    ...unsettledLines(standing),
    ...waitingLines(standing, context),
    ...standing.frozen_models.map(({ words }) => `  ${plain(words)}`),
  ]
}

const isShared = (kind: string): boolean => kind === 'day' || kind === 'month'
const MAX_PERIODS = 12

function alertLine({ level, period, limit_usd, spent_usd, told_by, at }: AlertView, { now }: CommandContext): string {
  const share = Math.floor((100 * spent_usd) / limit_usd)
  return `  ${level} ${ago(at, now())}: ${share} % of ${dollars(limit_usd)} for ${plain(period.slice(2))} was spent, held or lost, told by ${plain(told_by)}`
}

function unsettledLines({ uncertain, unproven_usd }: BudgetAnswer): string[] {
  const { calls, held_usd, more } = uncertain
  return [
    ...(unproven_usd === 0
      ? []
      : [
          `  of what this node spent today, ${dollars(unproven_usd)} is the bound of calls whose server did not plainly say what they used`,
        ]),
    ...(calls === 0
      ? []
      : [
          `  ${calls}${more ? ' or more calls' : calls === 1 ? ' call' : ' calls'} of this node may have been billed and hold ${dollars(held_usd)}: see "bzzz budget show --uncertain"`,
        ]),
  ]
}

function waitingLines({ waiting, paused }: BudgetAnswer, { now }: CommandContext): string[] {
  const [oldest] = waiting
  const rest = paused.filter(({ turn }) => !waiting.some((call) => call.turn === turn)).length
  return [
    ...(oldest === undefined
      ? []
      : [
          `  ${waiting.length === 1 ? '1 call waits' : `${waiting.length} calls wait`} for rights, the oldest since ${ago(oldest.since, now())} (${plain(oldest.agent)} needs ${dollars(oldest.needed_usd)}): see "bzzz budget why"`,
        ]),
    ...(rest === 0
      ? []
      : [
          `  ${rest === 1 ? '1 turn of this node is' : `${rest} turns of this node are`} paused: see "bzzz budget why"`,
        ]),
  ]
}

function breakdownTable(
  by: 'agent' | 'model' | 'thread',
  breakdown: CostsBreakdown,
  context: CommandContext,
): string[] {
  const rows = breakdown[`by_${by}`]
  if (rows.length === 0) return []
  const header = [by, 'spent', 'held', 'calls', 'tokens in', 'tokens out']
  const cells = rows.map((row) => [
    row.simulated ? `${row.name} (play money)` : row.name,
    dollars(row.spent_usd),
    dollars(row.held_usd),
    String(row.calls),
    String(row.input_tokens),
    String(row.output_tokens),
  ])
  return [table(context.terminal, header, cells)]
}
