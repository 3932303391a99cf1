import { personName } from '@bzzz/protocols'
import { InvalidArgumentError, Option } from 'commander'
import type { CommandContext } from './context.ts'
import { CliError, exitCodes } from './exit.ts'

const RULE = 'letters, digits, space . _ -, at most 64, a letter or digit first'

/** `--as`; what the account is called need not be a name here, so {@link speakerOf} looks at it. */
export function asOption(what: string, { env }: CommandContext): Option {
  const name = env.USER === undefined || env.USER === '' ? 'operator' : env.USER
  return new Option('--as <name>', what).argParser(readName).default(name)
}

/** @throws {CliError} */
export function speakerOf({ as }: { readonly as: string }): string {
  if (isName(as)) return as
  throw new CliError(
    exitCodes.usage,
    'USAGE',
    `$USER, ${as}, is no name for an entry (${RULE}): say who you are with --as`,
  )
}

export function readName(text: string): string {
  if (isName(text)) return text
  throw new InvalidArgumentError(`${RULE}.`)
}

function isName(text: string): boolean {
  return personName.safeParse(text).success
}
