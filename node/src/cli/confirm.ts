import { createInterface } from 'node:readline/promises'
import type { CommandContext } from './context.ts'
import { CliError, exitCodes } from './exit.ts'

/** Of a command that cannot be taken back. @throws {CliError} unless a person types yes, or `--yes` is said */
export async function confirm(
  { stdin, terminal, signal }: CommandContext,
  { yes }: { readonly yes?: boolean },
  words: readonly string[],
): Promise<void> {
  if (yes === true) return
  const isPerson = 'isTTY' in stdin && stdin.isTTY === true
  for (const line of words) terminal.err(line)
  if (!isPerson)
    throw new CliError(exitCodes.usage, 'CONFIRMATION_NEEDED', 'nothing was done: say --yes if that is what you want')
  terminal.err('Type yes to go on:')
  const lines = createInterface({ input: stdin })
  try {
    const answer = await lines.question('', { signal })
    if (answer.trim().toLowerCase() === 'yes') return
  } finally {
    lines.close()
  }
  throw new CliError(exitCodes.usage, 'NOT_CONFIRMED', 'nothing was done')
}
