import { leftAnswer, manifestChanged } from '@bzzz/protocols'
import type { Command } from 'commander'
import { confirm } from './confirm.ts'
import {
  type CommandContext,
  clientFor,
  configFor,
  examples,
  type GlobalOptions,
  print,
  withGlobalOptions,
} from './context.ts'
import { checked, limitLines, settled } from './manifest-words.ts'
import { dollars, plain } from './terminal.ts'

/** Machines that go: by themselves, or by the operator's word. */
export function addMemberCommands(program: Command, context: CommandContext): void {
  addLeave(program, context)
  addRemove(program, context)
}

// Turns may end first, then the owner's node answers.
const LEAVE_TIMEOUT_MS = 60_000

function addLeave(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('leave'))
    .description('take this node out of its mesh for good: its turns end, what it has not spent goes to the others')
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('bzzz leave', 'bzzz leave --data-dir /var/lib/bzzz --yes'))
    .action(async (options: GlobalOptions & { yes?: boolean }) => {
      const client = await clientFor(context, options)
      const { dataDirectory } = configFor(context, options)
      await confirm(context, options, [
        `The node in ${dataDirectory} ends its turns, gives what it has not spent to the others, and leaves its mesh. It cannot come back with this directory.`,
      ])
      const left = await client.post('/api/leave', {}, leftAnswer, { timeoutMs: LEAVE_TIMEOUT_MS })
      print(context, options, left, () =>
        [
          left.status === 'removed'
            ? 'left the mesh; the node stops'
            : 'left the mesh and the node stops, but the node with the owner key was not reached: run "bzzz remove NAME --destroyed" there, with the name of this one',
          ...left.given.map(
            ({ node_id, period, amount_usd }) =>
              `  ${plain(node_id)} was given ${dollars(amount_usd)} of ${period.slice(period.indexOf(':') + 1)}`,
          ),
          `  ${dataDirectory} may be deleted, or kept to read`,
        ].join('\n'),
      )
    })
}

function addRemove(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('remove <node>'))
    .description('take a machine out of the mesh; on the running node that holds the owner key')
    .option('--destroyed', 'it is not reached and will never run again: you attest that')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `\nA machine that is reached stops making calls as soon as it hears of it. What it had opened the running day and month with counts as
spent; its part goes to the others from the next ones on.\n${examples('bzzz remove ana', 'bzzz remove walnut --destroyed')}`,
    )
    .action(async (node: string, options: GlobalOptions & { yes?: boolean; destroyed?: boolean }) => {
      const client = await clientFor(context, options)
      const destroyed = options.destroyed === true
      const body = { node, destroyed }
      await checked(client, 'remove', body, options)
      await confirm(context, options, [
        destroyed
          ? `This attests that ${plain(node)}, and every copy of its disk, is gone. If one runs again, it can spend its part of each day and month once more, until it meets the mesh.`
          : `${plain(node)} is shut out of the mesh and makes no model calls any more. It can come back only as a new machine, by an invitation.`,
      ])
      const changed = await client.post('/api/manifest/remove', body, manifestChanged)
      const standing = await settled(client, changed, context.signal)
      print(context, options, { ...standing, status: changed.status }, () =>
        [
          `${plain(node)} is no member any more, by version ${changed.version} of the manifest`,
          ...limitLines(standing),
        ].join('\n'),
      )
    })
}
