import { manifestChanged } from '@bzzz/protocols'
import { type Command, InvalidArgumentError } from 'commander'
import { confirm } from './confirm.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { checked, inDollars, laterRaise, limitLines, settled } from './manifest-words.ts'
import { plain } from './terminal.ts'

interface ChangeOptions extends GlobalOptions {
  readonly yes?: boolean
  readonly reissue?: number
}

/** Commands that change what may be spent; on the running node that holds the owner key. */
export function addOwnerBudget(budget: Command, context: CommandContext): void {
  addLimit(budget, context, 'raise')
  addLimit(budget, context, 'lower')
  addAdopt(budget, context)
}

const LIMIT_HELP = {
  raise:
    'more may be spent at once: what it is more by is shared out among the nodes, also in the running day and month',
  lower: 'less may be spent: from the next day or month on at the latest, once the nodes have confirmed it',
} as const

const LOWERED = 'once they have confirmed it, from the next one on at the latest'

function addLimit(budget: Command, context: CommandContext, direction: 'raise' | 'lower'): void {
  withGlobalOptions(budget.command(direction))
    .argument('<day|month>', 'which limit', dimension)
    .argument('<dollars>', 'the new limit', positive)
    .description(`the limit of a day or month of the whole mesh: ${LIMIT_HELP[direction]}`)
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `\nOn the running node that holds the owner key. <dollars> is the new limit, not the difference.\n${examples(
        direction === 'raise' ? 'bzzz budget raise day 30' : 'bzzz budget lower day 5',
        `bzzz budget ${direction} month 200 --yes --json`,
      )}`,
    )
    .action(async (dim: 'day' | 'month', amount: number, options: ChangeOptions) => {
      const client = await clientFor(context, options)
      const one = dim === 'day' ? 'UTC day' : 'UTC month'
      const body = { dim, direction, amount_usd: amount }
      const before = await checked(client, 'limits', body, options)
      if (before?.status === 'possible') {
        const when = direction === 'raise' ? (laterRaise(before, dim) ?? 'from now on') : LOWERED
        await confirm(context, options, [
          `All nodes together may then spend ${inDollars(amount)} in a ${one}, ${when}.`,
        ])
      }
      const changed = await client.post('/api/manifest/limits', body, manifestChanged)
      const standing = await settled(client, changed, context.signal)
      const later = direction === 'raise' ? laterRaise(standing, dim) : undefined
      print(context, options, { ...standing, status: changed.status }, () =>
        [
          changed.status === 'unchanged'
            ? `the limit of a ${one} is ${inDollars(amount)} already`
            : `the limit of a ${one} is ${inDollars(amount)}, in version ${changed.version} of the manifest`,
          ...(later === undefined ? [] : [`  it is so ${later}`]),
          ...limitLines(standing, dim),
        ].join('\n'),
      )
    })
}

function addAdopt(budget: Command, context: CommandContext): void {
  withGlobalOptions(budget.command('adopt <node>'))
    .description('let a node that lost its ledger, and runs with a new one, have its part of the limits again')
    .option(
      '--reissue <dollars>',
      'rights for it in the running day and month, by which both limits are raised',
      positive,
    )
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `\nOn the running node that holds the owner key. The old account counts as used up in the running day and month; the part of
the new one begins with the next, and until then it asks the others. Where nobody else is there to give: --reissue.\n${examples(
        'bzzz budget adopt walnut',
        'bzzz budget adopt walnut --reissue 5   # a machine on its own, whose disk was lost today',
      )}`,
    )
    .action(async (node: string, options: ChangeOptions) => {
      const client = await clientFor(context, options)
      const { reissue } = options
      const body = { node, ...(reissue === undefined ? {} : { reissue_usd: reissue }) }
      await checked(client, 'adopt', body, options)
      await confirm(context, options, [
        `This attests that the old ledger of ${plain(node)} is gone: that no copy or backup of it will ever run again.`,
        'If one does, what it could still spend is spent a second time, until it meets the mesh.',
        ...(reissue === undefined
          ? []
          : [
              `The limits of the running day and month are raised by ${inDollars(reissue)}: what the old ledger spent may come on top.`,
            ]),
      ])
      const changed = await client.post('/api/manifest/adopt', body, manifestChanged)
      const standing = await settled(client, changed, context.signal)
      print(context, options, { ...standing, status: changed.status }, () =>
        [
          changed.status === 'unchanged'
            ? `${plain(node)} works with the account that the manifest names`
            : `${plain(node)} has its part with its new ledger from the next day and month on, by version ${changed.version} of the manifest`,
          ...limitLines(standing),
        ].join('\n'),
      )
    })
}

function dimension(text: string): 'day' | 'month' {
  if (text === 'day' || text === 'month') return text
  throw new InvalidArgumentError('day or month.')
}

function positive(text: string): number {
  const value = Number(text.replace(/^\$/, ''))
  if (value > 0 && value <= 1_000_000) return value
  throw new InvalidArgumentError('dollars above 0, at most a million.')
}
