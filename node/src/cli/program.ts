import { ChangeError, RoleError } from '@bzzz/agents'
import { BudgetError, type BudgetErrorCode } from '@bzzz/budget'
import { StateError } from '@bzzz/store'
import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config/errors.ts'
import { version } from '../version.ts'
import { addBudgetCommands } from './budget.ts'
import type { CommandContext } from './context.ts'
import { addDemoCommand } from './demo.ts'
import { diskFault } from './disk.ts'
import { CliError, exitCodes } from './exit.ts'
import { addInitCommand } from './init.ts'
import { addInviteCommand } from './invite.ts'
import { addJoinCommand } from './join.ts'
import { addLaptopCommands } from './laptop.ts'
import { addLookCommands } from './look.ts'
import { addMemberCommands } from './members.ts'
import { addOwnerCommands } from './owner.ts'
import { addReviewCommand } from './review.ts'
import { plain } from './terminal.ts'
import { addThreadCommands } from './threads.ts'
import { addTokenCommands } from './tokens.ts'
import { addUpCommand } from './up.ts'
import { addVoteCommand } from './vote.ts'

/**
 * Runs one command line. Faults end in one line on stderr (wrong arguments with a hint below it), with `--json` also in an
 * object on stdout, never in a stack trace.
 * @returns the exit code
 */
export async function runCommand(
  argv: readonly string[],
  outside: Omit<CommandContext, 'setExitCode'>,
): Promise<number> {
  let exitCode = 0
  const context: CommandContext = { ...outside, setExitCode: (code) => (exitCode = code) }
  try {
    await programFor(context).parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return usageFault(error, argv, context)
    return report(error, argv.includes('--json'), context)
  }
}

function programFor(context: CommandContext): Command {
  const program = new Command('bzzz')
    .description(
      'A peer-to-peer mesh of LLM agents: reviews a change on your own machines, within a budget, with no central database.',
    )
    .version(version, '-V, --version')
    .showHelpAfterError('(see --help)')
    .configureOutput({
      writeOut: (text) => context.terminal.out(text.trimEnd()),
      writeErr: (text) => context.terminal.err(text.trimEnd()),
    })
    .addHelpText(
      'after',
      '\nFirst steps:\n  $ bzzz demo\n  $ bzzz init && bzzz up\n  $ bzzz review HEAD~1..HEAD --local\n',
    )
  addInitCommand(program, context)
  addUpCommand(program, context)
  addLookCommands(program, context)
  addBudgetCommands(program, context)
  addThreadCommands(program, context)
  addTokenCommands(program, context)
  addReviewCommand(program, context)
  addVoteCommand(program, context)
  addInviteCommand(program, context)
  addJoinCommand(program, context)
  addMemberCommands(program, context)
  addOwnerCommands(program, context)
  addLaptopCommands(program, context)
  addDemoCommand(program, context)
  for (const command of program.commands) throwInsteadOfExit(command)
  return throwInsteadOfExit(program)
}

/** commander would end the process; and it hands the output settings down only to commands made after they were set. */
function throwInsteadOfExit(command: Command): Command {
  for (const child of command.commands) throwInsteadOfExit(child)
  return command.exitOverride()
}

/** commander has written its words already. */
function usageFault(error: CommanderError, argv: readonly string[], { terminal }: CommandContext): number {
  if (error.exitCode === 0) return 0
  const message = error.message.replace(/^error: /, '')
  if (argv.includes('--json'))
    terminal.out(JSON.stringify({ error: { code: 'USAGE', message, exit_code: exitCodes.usage } }))
  return exitCodes.usage
}

function report(error: unknown, json: boolean, { terminal, signal }: CommandContext): number {
  if (signal.aborted) return exitCodes.interrupted
  const { exitCode, code, message } = fault(error)
  if (json) terminal.out(JSON.stringify({ error: { code, message, exit_code: exitCode } }))
  terminal.err(`bzzz: ${plain(message)}`)
  if (exitCode === exitCodes.internal && process.env.BZZZ_LOG_LEVEL === 'debug')
    terminal.err(String((error as Error).stack))
  return exitCode
}

const budgetExitCodes: Partial<Record<BudgetErrorCode, number>> = {
  BAD_PRICES: exitCodes.config,
  LEDGER_BROKEN: exitCodes.io,
}

function fault(error: unknown): { exitCode: number; code: string; message: string } {
  if (error instanceof CliError) return error
  if (error instanceof ConfigError) return { exitCode: exitCodes.config, code: error.code, message: error.message }
  if (error instanceof RoleError) return { exitCode: exitCodes.config, code: error.code, message: error.message }
  if (error instanceof ChangeError) return { exitCode: exitCodes.noInput, code: error.code, message: error.message }
  const refusing = diskFault(error, 'a file')
  if (refusing !== undefined) return refusing
  if (error instanceof BudgetError) {
    return { exitCode: budgetExitCodes[error.code] ?? exitCodes.usage, code: error.code, message: error.message }
  }
  if (error instanceof StateError) return { exitCode: exitCodes.io, code: error.code, message: error.message }
  const system = error as NodeJS.ErrnoException
  if (system.code !== undefined && system.path !== undefined) {
    return { exitCode: exitCodes.io, code: system.code, message: `${system.path}: ${system.message}` }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    exitCode: exitCodes.internal,
    code: 'INTERNAL',
    message: `internal fault: ${message}; set BZZZ_LOG_LEVEL=debug to see where`,
  }
}
