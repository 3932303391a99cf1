import { createdSyncToken, revokedSyncToken, type SyncTokenView, syncTokensAnswer } from '@bzzz/protocols'
import type { Command } from 'commander'
import { readDuration } from '../config/duration.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { CliError, exitCodes } from './exit.ts'
import { plain, table } from './terminal.ts'

interface CreateOptions extends GlobalOptions {
  readonly name: string
  readonly readOnly?: boolean
  readonly expires?: string
  readonly project?: readonly string[]
  readonly thread?: readonly string[]
}

/** Commands on the tokens of laptops: token create, list, revoke. */
export function addTokenCommands(program: Command, context: CommandContext): void {
  const token = program
    .command('token')
    .description('tokens with which laptops sync threads of this node (see docs/laptops.md)')
  addCreate(token, context)
  addList(token, context)
  addRevoke(token, context)
}

const collect = (value: string, before: readonly string[] = []) => [...before, value]

function addCreate(token: Command, context: CommandContext): void {
  withGlobalOptions(token.command('create'))
    .description('make a token for a stock automerge-repo client; it is shown once and is a secret')
    .requiredOption('--name <name>', 'who writes with it: entries are by this person, and this node vouches for that')
    .option('--read-only', 'edits are refused')
    .option('--expires <duration>', 'e.g. 12h, 30d (default: never)')
    .option('--project <project>', 'only threads of this project; may be given several times', collect)
    .option('--thread <thread>', 'only this thread; may be given several times', collect)
    .addHelpText(
      'after',
      examples(
        'bzzz token create --name alice --expires 30d',
        'bzzz token create --name screen --read-only --project docs',
      ),
    )
    .action(async (options: CreateOptions) => {
      const client = await clientFor(context, options)
      const body = {
        name: options.name,
        read_only: options.readOnly === true,
        expires_in_ms: expiryOf(options.expires),
        projects: options.project ?? null,
        threads: options.thread ?? null,
      }
      const created = await client.post('/api/sync-tokens', body, createdSyncToken)
      print(context, options, created, () =>
        [
          `token ${created.id} for ${plain(created.name)}${created.read_only ? ', read only' : ''}; it is not shown again:`,
          created.token,
          `connect to ${created.sync_url}`,
        ].join('\n'),
      )
    })
}

function expiryOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const ms = readDuration(text)
  if (ms !== undefined) return Math.round(ms)
  throw new CliError(exitCodes.usage, 'USAGE', `--expires ${text}: not a duration; give one such as 12h or 30d`)
}

function addList(token: Command, context: CommandContext): void {
  withGlobalOptions(token.command('list'))
    .description('the tokens that there are, newest first; never the tokens themselves')
    .addHelpText('after', examples('bzzz token list', 'bzzz token list --json'))
    .action(async (options: GlobalOptions) => {
      const client = await clientFor(context, options)
      const answer = await client.get('agents', '/api/sync-tokens', syncTokensAnswer)
      print(context, options, answer, () =>
        table(context.terminal, ['token', 'name', 'may', 'for', 'expires'], answer.tokens.map(rowOf)),
      )
    })
}

function rowOf({ id, name, read_only, projects, threads, expires_at }: SyncTokenView): string[] {
  const scope = [...(projects ?? []), ...(threads ?? [])]
  return [
    id,
    name,
    read_only ? 'read' : 'read and write',
    scope.length === 0 ? 'every thread' : scope.join(', '),
    expires_at ?? 'never',
  ]
}

function addRevoke(token: Command, context: CommandContext): void {
  withGlobalOptions(token.command('revoke <id>'))
    .description('end a token; connections with it are closed at once')
    .addHelpText('after', examples('bzzz token revoke 3f9a1c07be52'))
    .action(async (id: string, options: GlobalOptions) => {
      const client = await clientFor(context, options)
      const path = `/api/sync-tokens/${encodeURIComponent(id)}/revoke`
      const answer = await client.post(path, {}, revokedSyncToken)
      print(context, options, answer, () => `revoked ${answer.id}`)
    })
}
