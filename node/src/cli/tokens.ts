import { createdSyncToken, revokedSyncToken, type SyncTokenView, syncTokensAnswer, threadId } from '@bzzz/protocols'
import { type Command, InvalidArgumentError } from 'commander'
import { readDuration } from '../config/duration.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { readName } from './person.ts'
import { plain, table } from './terminal.ts'

interface CreateOptions extends GlobalOptions {
  readonly name: string
  readonly readOnly?: boolean
  readonly expires?: number
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

/** Other programs show such an id in capitals. */
function collectThread(text: string, before?: readonly string[]): string[] {
  const read = threadId.safeParse(text.toLowerCase())
  if (read.success) return collect(read.data, before)
  throw new InvalidArgumentError('the id of a thread, as "bzzz threads" shows it.')
}

function addCreate(token: Command, context: CommandContext): void {
  withGlobalOptions(token.command('create'))
    .description('make a token for a stock automerge-repo client; it is shown once and is a secret')
    .requiredOption(
      '--name <name>',
      'who writes with it: entries are by this person, and this node vouches for that',
      readName,
    )
    .option('--read-only', 'edits are refused')
    .option('--expires <duration>', 'e.g. 12h, 30d (default: never)', life)
    .option('--project <project>', 'only threads of this project; may be given several times', collect)
    .option('--thread <thread>', 'only this thread; may be given several times', collectThread)
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
        expires_in_ms: options.expires ?? null,
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

const MAX_DAYS = 3_650

function life(text: string): number {
  const ms = readDuration(text)
  if (ms === undefined || ms < 1_000 || ms > MAX_DAYS * 86_400_000)
    throw new InvalidArgumentError(`a duration from 1s to ${MAX_DAYS}d, e.g. 12h or 30d.`)
  return Math.round(ms)
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
