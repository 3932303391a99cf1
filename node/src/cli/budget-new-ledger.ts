import { renewLedger } from '@bzzz/budget'
import { openState } from '@bzzz/store'
import type { Command } from 'commander'
import { ConfigError } from '../config/errors.ts'
import { readIdentity } from '../identity/identity.ts'
import { dataDirectory } from '../init/data-directory.ts'
import { exists } from '../init/put-in-place.ts'
import { confirm } from './confirm.ts'
import { type CommandContext, configFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { startFailure } from './start-failure.ts'

export function addNewLedger(budget: Command, context: CommandContext): void {
  withGlobalOptions(budget.command('new-ledger'))
    .description(
      'give up this node’s ledger and begin another, of a new account; on the node itself, while it is stopped',
    )
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `
The way out when a copy of this node's data directory was in use, or its clock opened periods that are far ahead. Rights
that the old account has left count as spent for as long as its periods run. The new account spends what the other nodes
grant it, at once, and gets a part of its own by "bzzz budget adopt" where the mesh owner's key is. Costs and replies of the
old one are still shown.
${examples('bzzz budget new-ledger', 'bzzz budget new-ledger --data-dir ./lab/walnut --yes')}`,
    )
    .action(async (options: GlobalOptions & { readonly yes?: boolean }) => {
      const { dataDirectory: directory } = configFor(context, options)
      await requireLedger(directory)
      await confirm(context, options, [
        `The account of the ledger in ${directory} is given up: what it has left of its running day and month is not spent by anybody.`,
        'If a copy of this data directory is in use anywhere, stop it and delete it first: two machines with one key stay a danger.',
      ])
      const begun = await beginAnother(directory, context)
      print(context, options, begun, () =>
        [
          `a new ledger was begun: account ${begun.peer_id}/${begun.incarnation}, without rights of its own`,
          'Next: start the node; then, where the mesh owner’s key is: bzzz budget adopt NODE',
        ].join('\n'),
      )
    })
}

async function requireLedger(directory: string): Promise<void> {
  if (await exists(dataDirectory(directory).state, directory)) return
  throw new ConfigError('CONFIG_INVALID', `there is no ledger in ${directory}; name the node's folder with --data-dir`)
}

interface Begun {
  readonly peer_id: string
  readonly incarnation: string
}

async function beginAnother(directory: string, { now, randomBytes }: CommandContext): Promise<Begun> {
  const paths = dataDirectory(directory)
  const { peer } = await readIdentity(paths.nodeKey)
  const state = await openState({ directory: paths.state }).catch(async (error: unknown) => {
    throw await startFailure(error, directory)
  })
  try {
    return { peer_id: peer, incarnation: await renewLedger(state.room('budget'), 'renewed', { now, randomBytes }) }
  } finally {
    await state.close()
  }
}
