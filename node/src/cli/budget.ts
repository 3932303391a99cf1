import { OFFLINE_MODEL } from '@bzzz/agents'
import { costsBreakdown, dailyCosts, nodeStatus } from '@bzzz/protocols'
import { type Command, Option } from 'commander'
import { addOwnerBudget } from './budget-owner.ts'
import { addSettle } from './budget-settle.ts'
import { showUncertain } from './budget-uncertain.ts'
import type { NodeClient } from './client.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { ago, dollars, plain, table } from './terminal.ts'

/** Commands on the money of the mesh: budget show, settle. */
export function addBudgetCommands(program: Command, context: CommandContext): void {
  const budget = program.command('budget').description('the dollar limits of the mesh')
  addShow(budget, context)
  addSettle(budget, context)
  addOwnerBudget(budget, context)
}

interface ShowOptions extends GlobalOptions {
  readonly by?: 'agent' | 'model' | 'thread'
  readonly uncertain?: boolean
}

function addShow(budget: Command, context: CommandContext): void {
  withGlobalOptions(budget.command('show'))
    .description("today's spending of the mesh against its limit, and what this node may still spend")
    .addOption(new Option('--by <what>', 'add the calls of this node').choices(['agent', 'model', 'thread']))
    .option('--uncertain', 'only the calls of this node that may have been billed, and nobody knows')
    .addHelpText(
      'after',
      examples('bzzz budget show', 'bzzz budget show --by thread --json', 'bzzz budget show --uncertain'),
    )
    .action(async (options: ShowOptions) => {
      if (options.uncertain === true) return await showUncertain(context, options)
      const client = await clientFor(context, options)
      const daily = await client.get('agents', '/api/costs/daily', dailyCosts)
      const breakdown = await client.get('agents', '/api/costs/breakdown', costsBreakdown)
      const hasNone = daily.state === 'no-rights' && (await isLaptop(client))
      const rows = options.by === undefined ? [] : breakdown[`by_${options.by}`]
      const unproven = breakdown.by_model.reduce((sum, row) => sum + row.unproven_usd, 0)
      const played = breakdown.by_model.some((row) => row.name === OFFLINE_MODEL) ? ', some of it play money' : ''
      print(context, options, options.by === undefined ? daily : { ...daily, breakdown }, () => {
        return [
          `${daily.date} (UTC): ${hasNone ? 'none (a laptop)' : daily.state}${played}`,
          `  the mesh   spent ${dollars(daily.spent_usd)} of ${dollars(daily.limit_usd)}${daily.unknown_nodes.length === 0 ? '' : `, at most ${dollars(daily.spent_at_most_usd)} (no figures from ${daily.unknown_nodes.map(plain).join(', ')})`}`,
          ...daily.by_node.map(
            (node) =>
              `    ${plain(node.node_id)}: ${dollars(node.spent_usd)}${node.as_of === null ? '' : `, as of ${ago(node.as_of, context.now())}`}`,
          ),
          `  this node  part ${dollars(daily.own.share_usd)}, spent ${dollars(daily.own.spent_usd)}, held ${dollars(daily.own.held_usd)}, available ${dollars(daily.own.available_usd)}${daily.overrun_usd === 0 ? '' : `; of what it spent, ${dollars(daily.overrun_usd)} was billed above what calls could cost by the price table`}`,
          ...(unproven === 0
            ? []
            : [
                `  of what this node spent, ${dollars(unproven)} is the bound of calls whose server did not plainly say what they used`,
              ]),
          ...daily.frozen_models.map(
            ({ model, billed_usd, bound_usd }) =>
              `  ${plain(model)} is frozen on this node: ${dollars(billed_usd)} was billed for a call that could cost ${dollars(bound_usd)}; correct its price in the price file and start the node again`,
          ),
          ...(rows.length === 0
            ? []
            : [
                table(
                  context.terminal,
                  [options.by ?? '', 'spent', 'held', 'calls', 'tokens in', 'tokens out'],
                  rows.map((row) => [
                    row.name,
                    dollars(row.spent_usd),
                    dollars(row.held_usd),
                    String(row.calls),
                    String(row.input_tokens),
                    String(row.output_tokens),
                  ]),
                ),
              ]),
        ].join('\n')
      })
    })
}

/** It spends nothing, by what it is and not by a fault. */
async function isLaptop(client: NodeClient): Promise<boolean> {
  return (await client.get('node', '/api/status', nodeStatus)).node.role === 'laptop'
}
