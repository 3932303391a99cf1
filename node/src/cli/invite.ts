import { type FileHandle, open, rm } from 'node:fs/promises'
import { type InviteMade, type InviteView, inviteMade, invitesAnswer, inviteView } from '@bzzz/protocols'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { readDuration } from '../config/duration.ts'
import type { NodeClient } from './client.ts'
import { type CommandContext, clientFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { diskFault } from './disk.ts'
import { CliError, exitCodes } from './exit.ts'
import { ago, table } from './terminal.ts'

interface InviteOptions extends GlobalOptions {
  readonly role?: 'laptop' | 'node'
  readonly node?: boolean
  readonly label?: string
  readonly expires: number
  readonly out?: string
  readonly list?: boolean
  readonly revoke?: string
}

const DAY_MS = 86_400_000

export function addInviteCommand(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('invite'))
    .description('let one more machine join the mesh; on the running node that holds the owner key')
    .addOption(new Option('--role <role>', 'what it will be: laptop or node').choices(['laptop', 'node']))
    .option('--node', 'the same as --role node')
    .option('--label <name>', 'what it will be called (default: as it likes)')
    .addOption(
      new Option('--expires <duration>', 'how long the invitation is good, at most 30d')
        .argParser(life)
        .default(DAY_MS, '24h'),
    )
    .option('--out <file>', 'write the invitation to a file that only you can read, instead of showing it')
    .option('--list', 'the invitations that this node made, and what became of them')
    .option('--revoke <id>', 'nobody can join with it any more; who has joined stays a member')
    .addHelpText(
      'after',
      `\nAn invitation is a secret that works once: whoever has it can join, and what it says of the network stays good.\n${examples(
        'bzzz invite --role laptop --label ana --expires 2h',
        'bzzz invite --node --label acacia --out acacia.invite',
        'bzzz invite --list',
        'bzzz invite --revoke 12D3KooW…',
      )}`,
    )
    .action(async (options: InviteOptions) => {
      if (options.list === true) return await list(context, options)
      if (options.revoke !== undefined) return await revoke(context, options, options.revoke)
      await invite(context, options)
    })
}

async function invite(context: CommandContext, options: InviteOptions): Promise<void> {
  const role = options.node === true ? 'node' : options.role
  if (role === undefined || (options.node === true && options.role === 'laptop'))
    throw new CliError(exitCodes.usage, 'USAGE', 'say what the machine will be: bzzz invite --role laptop, or --node')
  const client = await clientFor(context, options)
  const order = { role, label: options.label, expires_s: Math.round(options.expires / 1000) }
  const { out } = options
  const { token, ...made } = await (out === undefined ? make(client, order) : makeInto(out, client, order))
  const shown = out === undefined ? { token } : { file: out }
  print(context, options, { ...made, ...shown }, () =>
    [
      ...('token' in shown ? [shown.token] : [`written to ${shown.file}`]),
      '',
      `Good for one ${role}${made.label === null ? '' : `, ${made.label},`} until ${made.expires_at}. It is a secret: hand it over by a way you trust.`,
      `There: bzzz ${role === 'laptop' ? 'laptop join' : 'join'} ${'token' in shown ? 'TOKEN' : `- < ${shown.file}`}`,
      `To take it back: bzzz invite --revoke ${made.id}`,
    ].join('\n'),
  )
}

interface Order {
  readonly role: 'laptop' | 'node'
  readonly label: string | undefined
  readonly expires_s: number
}

function make(client: NodeClient, order: Order): Promise<InviteMade> {
  return client.post('/api/invites', order, inviteMade)
}

/** The file comes first: an invitation that nobody has seen must not stay open. */
async function makeInto(path: string, client: NodeClient, order: Order): Promise<InviteMade> {
  const file = await openNew(path)
  try {
    const made = await make(client, order)
    await write(file, made.token).catch(async (error: unknown) => {
      await takeBack(client, made.id, path)
      throw diskFault(error, path) ?? error
    })
    return made
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

async function takeBack(client: NodeClient, id: string, path: string): Promise<void> {
  await client.post(`/api/invites/${id}/revoke`, {}, inviteView).catch((cause: unknown) => {
    const words = `cannot write to ${path}, nor take the invitation back; do so with "bzzz invite --revoke ${id}"`
    throw new CliError(exitCodes.unavailable, 'INVITE_LEFT_OPEN', words, { cause })
  })
}

async function write(file: FileHandle, token: string): Promise<void> {
  await file.writeFile(`${token}\n`)
  await file.sync()
}

async function openNew(path: string): Promise<FileHandle> {
  return await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new CliError(exitCodes.usage, 'FILE_EXISTS', `${path} is there already`)
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      throw new CliError(exitCodes.noInput, 'NO_SUCH_FOLDER', `--out ${path}: there is no such folder`)
    throw diskFault(error, path) ?? error
  })
}

async function list(context: CommandContext, options: InviteOptions): Promise<void> {
  const client = await clientFor(context, options)
  const answer = await client.get('agents', '/api/invites', invitesAnswer)
  print(context, options, answer, () =>
    table(
      context.terminal,
      ['invitation', 'role', 'name', 'state', 'made', 'good until', 'used by'],
      answer.invites.map((each) => [
        each.id,
        each.role,
        each.used_by?.label ?? each.label ?? '-',
        each.state,
        ago(each.created_at, context.now()),
        each.expires_at,
        each.used_by?.peer_id ?? '-',
      ]),
    ),
  )
}

async function revoke(context: CommandContext, options: InviteOptions, id: string): Promise<void> {
  const client = await clientFor(context, options)
  const view = await client.post(`/api/invites/${encodeURIComponent(id)}/revoke`, {}, inviteView)
  print(context, options, view, () => revokedWords(view))
}

function revokedWords({ state, used_by }: InviteView): string {
  if (used_by !== null) return `too late: ${used_by.label} has joined with it and stays a member`
  return state === 'revoked' ? 'revoked' : `it is ${state}; nobody can join with it`
}

function life(text: string): number {
  const ms = readDuration(text)
  if (ms === undefined || ms < 60_000 || ms > 30 * DAY_MS)
    throw new InvalidArgumentError('a duration from 1m to 30d, e.g. 24h.')
  return ms
}
