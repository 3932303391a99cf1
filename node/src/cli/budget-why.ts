import { type WhyAnswer, whyAnswer } from '@bzzz/protocols'
import type { Command } from 'commander'
import { periodLines } from './budget-periods.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { ago, dollars, plain, styled, table } from './terminal.ts'

export function addWhy(budget: Command, context: CommandContext): void {
  withGlobalOptions(budget.command('why [about]'))
    .description('why a thread, a turn or a call waits for money, who was asked for some, and what would let it go on')
    .addHelpText(
      'after',
      examples(
        'bzzz budget why',
        'bzzz budget why 01937c3e-5a70-7000-8000-000000000000',
        'bzzz budget why 3f9a1c07 --json',
      ),
    )
    .action(async (about: string | undefined, options: GlobalOptions) => {
      const client = await clientFor(context, options)
      const query = about === undefined ? '' : `?${new URLSearchParams({ about })}`
      const answer = await client.get('agents', `/api/budget/why${query}`, whyAnswer)
      print(context, options, answer, () => whyLines(answer, context).join('\n'))
    })
}

function whyLines(answer: WhyAnswer, context: CommandContext): string[] {
  const { summary, periods, waiting, paused, calls, remedies } = answer
  const stands = waiting.length > 0 || paused.length > 0
  return [
    plain(summary),
    ...callLines(calls, context),
    ...heading('waiting', waiting.slice(1), context, (call) => {
      return `${plain(call.agent)} since ${ago(call.since, context.now())}: needs ${dollars(call.needed_usd)} (${plain(call.by)})`
    }),
    ...heading('paused', paused, context, (turn) => {
      return `${plain(turn.agent)}, ${turn.phase} of round ${turn.round}, since ${ago(turn.since, context.now())}: ${plain(turn.reason)}`
    }),
    ...(stands ? periods.flatMap((period) => periodLines(period, context, { ownPart: true })) : []),
    ...heading('asked', stands ? answer.asked.slice(0, MAX_ASKED) : [], context, (node) => askedWords(node, context)),
    ...heading('what would let it go on', remedies, context, ({ words, command }) => {
      return command === null ? plain(words) : `${plain(words)}: ${styled(context.terminal, 'bold', plain(command))}`
    }),
  ]
}

const MAX_ASKED = 8

function heading<T>(
  title: string,
  rows: readonly T[],
  { terminal }: CommandContext,
  line: (row: T) => string,
): string[] {
  return rows.length === 0 ? [] : [styled(terminal, 'dim', `${title}:`), ...rows.map((row) => `  ${line(row)}`)]
}

function askedWords({ node_id, at, answer, reason }: WhyAnswer['asked'][number], { now }: CommandContext): string {
  const said = reason === null ? answer : `${answer}: ${reason}`
  return `${plain(node_id)} ${ago(at, now())}: ${plain(said)}`
}

function callLines(calls: WhyAnswer['calls'], { terminal, now }: CommandContext): string[] {
  if (calls.length === 0) return []
  const header = ['call', 'state', 'agent', 'model', 'bound', 'cost', 'reserved', "the provider's id"]
  const rows = calls.map((call) => [
    call.call.slice(0, 12),
    call.evidence === null || call.evidence === 'usage' ? call.state : `${call.state} (${EVIDENCE[call.evidence]})`,
    call.agent,
    call.simulated ? `${call.model} (play money)` : call.model,
    dollars(call.held_usd),
    call.cost_usd === null ? '-' : dollars(call.cost_usd),
    ago(call.reserved_at, now()),
    call.provider_request_id ?? '-',
  ])
  return [table(terminal, header, rows)]
}

const EVIDENCE = { none: 'no usage came', unclear: 'its usage is unclear', operator: "an operator's word" } as const
