import { decodeInvite, type Invite, nodeLabel, ProtocolError } from '@bzzz/protocols'
import { type Command, InvalidArgumentError } from 'commander'
import type { RunningNode } from '../compose.ts'
import { ConfigError } from '../config/errors.ts'
import { hasUnfinishedJoin, type JoinedLaptop, joinAsLaptop } from '../laptop/join.ts'
import { JoinError } from '../laptop/join-error.ts'
import { type CommandContext, configFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { diskFault } from './disk.ts'
import { CliError, exitCodes } from './exit.ts'
import { plain } from './terminal.ts'
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
      const invite = readInvite(text === '-' ? await allOf(context.stdin) : text)
      const config = configFor(context, options)
      const joined = await join(context, invite, config.dataDirectory, options.label ?? null)
      const { newest, ...rest } = joined
      const { network, version } = newest.manifest
      print(context, options, { ...rest, mesh: newest.mesh, network, manifest_version: version }, () => words(joined))
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

async function join(
  context: CommandContext,
  invite: Invite,
  directory: string,
  name: string | null,
): Promise<JoinedLaptop> {
  const { askToJoin } = await import('@bzzz/mesh')
  const { now, randomBytes, signal } = context
  const ask = (request: Uint8Array) => askToJoin({ invite, request, signal })
  return await joinAsLaptop({ directory, invite, label: name, ask, now, randomBytes }).catch((error: unknown) => {
    if (error instanceof JoinError) throw refusal(error)
    throw diskFault(error, directory) ?? error
  })
}

function refusal({ code, message }: JoinError): CliError {
  const mayWork = code === 'UNREACHED' || code === 'UNABLE' || code === 'BUSY' // later
  const exitCode = mayWork ? exitCodes.unavailable : exitCodes.noPermission
  return new CliError(exitCode, `JOIN_${code}`, message)
}

function words({ directory, label: name, peer, newest }: JoinedLaptop): string {
  const nodes = newest.manifest.members.filter((member) => member.role === 'node')
  return [
    `${plain(name)} is a laptop of ${plain(newest.manifest.network)}, mesh ${newest.mesh.slice(0, 16)}…, peer ${peer}`,
    `  ${directory}: its key, the network secret and its threads; never copy it to a second machine`,
    `  nodes: ${nodes.map((node) => plain(node.label)).join(', ')}`,
    '',
    `Next: bzzz laptop up --data-dir ${directory}`,
  ].join('\n')
}

function readInvite(text: string): Invite {
  try {
    return decodeInvite(text)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new CliError(exitCodes.usage, 'INVITATION_INVALID', `${error.message}; copy all of it, on one line`)
  }
}

const MAX_STDIN_CHARS = 16_384

async function allOf(stdin: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stdin) {
    text += chunk
    if (text.length > MAX_STDIN_CHARS) break
  }
  return text
}

function label(text: string): string {
  if (nodeLabel.safeParse(text).success) return text
  throw new InvalidArgumentError('letters, digits, . _ -, at most 63.')
}
