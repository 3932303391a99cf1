import type { Command } from 'commander'
import type { RunningNode } from '../compose.ts'
import { ConfigError } from '../config/errors.ts'
import { hasUnfinishedJoin } from '../join/join.ts'
import { type CommandContext, configFor, examples, type GlobalOptions, withGlobalOptions } from './context.ts'
import { CliError, exitCodes } from './exit.ts'
import { joinAs, label, readInvitation } from './join.ts'
import { runNode, type UpOptions, withRunOptions } from './up.ts'

/** A laptop is a peer of its own: it holds the threads, reads, posts and votes, also while nobody is reached. */
export function addLaptopCommands(program: Command, context: CommandContext): void {
  const laptop = program.command('laptop').description('a machine without agents that takes part, also offline')
  withGlobalOptions(laptop.command('join <invitation>'))
    .description('make this machine a laptop of the mesh that made the invitation; "-" reads it from stdin')
    .option('--label <name>', 'what it is called, where the invitation names nothing or a name that is taken', label)
    .addHelpText(
      'after',
      `\nOn a stopped command, a crash or a lost connection: run the same again.\n${examples(
        'bzzz laptop join bzzz-invite-1.…',
        'bzzz laptop join - --data-dir ~/.bzzz-work --label ana < ana.invite',
      )}`,
    )
    .action(async (text: string, options: GlobalOptions & { label?: string }) => {
      const invite = await readInvitation(context, text)
      if (invite.role !== 'laptop')
        throw new CliError(exitCodes.usage, 'NOT_FOR_A_LAPTOP', 'this invitation is for a node: use "bzzz join"')
      await joinAs(context, options, invite)
    })
  withRunOptions(withGlobalOptions(laptop.command('up')))
    .description('run this laptop until it is told to stop: as "bzzz up", with no agents and no provider')
    .addHelpText('after', examples('bzzz laptop up', 'bzzz laptop up --data-dir ~/.bzzz-work'))
    .action(async (options: GlobalOptions & UpOptions) => {
      await runNode(context, options, { agents: '', provider: 'offline' }, refuseNode).catch(async (error: unknown) => {
        const isMissing = error instanceof ConfigError && error.code === 'NOT_INITIALISED'
        throw isMissing ? await notJoined(configFor(context, options).dataDirectory, error) : error
      })
    })
}

function refuseNode(node: RunningNode): void {
  if (node.role === 'laptop') return
  throw new CliError(exitCodes.usage, 'NOT_A_LAPTOP', 'this data directory is of a node: start it with "bzzz up"')
}

async function notJoined(directory: string, cause: ConfigError): Promise<CliError> {
  const words = (await hasUnfinishedJoin(directory))
    ? `the join of ${directory} did not come to its end; run the same "bzzz laptop join" again`
    : `there is no laptop in ${directory}; run "bzzz laptop join" with an invitation first`
  return new CliError(exitCodes.config, cause.code, words, { cause })
}
