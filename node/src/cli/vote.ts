import { votedAnswer } from '@bzzz/protocols'
import { Argument, type Command } from 'commander'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { asOption, speakerOf } from './person.ts'

interface VoteOptions extends GlobalOptions {
  readonly proposal?: string
  readonly comment?: string
  readonly as: string
}

export function addVoteCommand(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('vote <thread>'))
    .description('say as a person what you think of what a review proposes; it is on disk when the command ends')
    .addArgument(new Argument('<choice>').choices(['approve', 'reject', 'abstain']))
    .option('--proposal <hash>', 'what it is about (default: the newest proposal)')
    .option('--comment <text>', 'why')
    .addOption(asOption('who votes', context))
    .addHelpText(
      'after',
      `\nOnly the votes of a review's seats decide it. Yours is kept and shown beside them, in the thread and the report; it\nturns no verdict over. A review that was escalated waits for people to read it: say there what you want done.\n${examples(
        'bzzz vote 01937c3e-… approve',
        'bzzz vote 01937c3e-… reject --comment "the fallback is never reached"',
      )}`,
    )
    .action(async (thread: string, choice: string, options: VoteOptions) => {
      const { proposal, comment } = options
      const from = speakerOf(options)
      const client = await clientFor(context, options)
      const path = `/api/conversations/${encodeURIComponent(thread)}/votes`
      const voted = await client.post(path, { choice, proposal, comment, from }, votedAnswer)
      print(
        context,
        options,
        voted,
        () => `voted ${choice} on round ${voted.round}'s proposal ${voted.proposal.slice(0, 12)}…`,
      )
    })
}
