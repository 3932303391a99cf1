import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { BUILT_IN_ROLES } from '@bzzz/agents'
import { agentName, decodeInvite, type Invite, nodeLabel, ProtocolError } from '@bzzz/protocols'
import { type Command, InvalidArgumentError } from 'commander'
import type { Config } from '../config/load.ts'
import { type Joined, type JoinPlan, joinMesh } from '../join/join.ts'
import { JoinError } from '../join/join-error.ts'
import { type CommandContext, configFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { diskFault } from './disk.ts'
import { CliError, exitCodes } from './exit.ts'
import { plain } from './terminal.ts'

export interface JoinOptions extends GlobalOptions {
  readonly label?: string
  readonly addr?: readonly string[]
  readonly agents?: readonly string[]
}

/** A new machine of a mesh that is there already. */
export function addJoinCommand(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('join <invitation>'))
    .description('make this machine a member of the mesh that made the invitation; "-" reads it from stdin')
    .option('--label <name>', 'what it is called, where the invitation names nothing or a name that is taken', label)
    .option('--addr <multiaddr>', 'where the others reach it, e.g. /ip4/192.168.1.31/tcp/4001; repeat it', addr)
    .option('--agents <roles>', 'roles of the agents that will live here, e.g. security,reviewer', roles)
    .addHelpText(
      'after',
      `\nOn a stopped command, a crash or a lost connection: run the same again. The machine makes its own key and its own
ledger; nothing of them travels. Its part of the limits begins with the next day and month; until then it asks the
others, and the node that let it in gives it a part of what is left at once.\n${examples(
        'bzzz join bzzz-invite-1.… --agents security',
        'bzzz join - --data-dir /var/lib/bzzz --addr /ip4/192.168.1.31/tcp/4001 < acacia.invite',
      )}`,
    )
    .action(async (text: string, options: JoinOptions) => joinAs(context, options, await readInvitation(context, text)))
}

/** As whatever the invitation says. */
export async function joinAs(context: CommandContext, options: JoinOptions, invite: Invite): Promise<void> {
  const config = configFor(context, options)
  const place = invite.role === 'laptop' ? laptopPlace(invite) : await nodePlace(invite, options, config)
  const joined = await join(context, {
    ...place,
    invite,
    directory: config.dataDirectory,
    label: options.label ?? null,
  })
  const { newest, ...rest } = joined
  const { network, version } = newest.manifest
  const value = { ...rest, addrs: place.addrs, mesh: newest.mesh, network, manifest_version: version }
  print(context, options, value, () => words(joined, place))
}

type JoinPlace = Pick<JoinPlan, 'addrs' | 'settings'>

const isLoopback = (multiaddr: string) => multiaddr.startsWith('/ip4/127.')

/** Any free ports, so that it runs beside another node; where the mesh is on one machine, nobody outside needs to see it. */
function laptopPlace({ addrs }: Invite): JoinPlace {
  const here = addrs.every(isLoopback) ? { p2p_host: '127.0.0.1' } : {}
  return { addrs: [], settings: { agents: [], ...here, p2p_port: 0, http_port: 0, mcp_port: 0 } }
}

async function nodePlace(
  { addrs }: Invite,
  { addr: named, agents = [] }: JoinOptions,
  config: Config,
): Promise<JoinPlace> {
  if (named !== undefined) {
    const p2p_port = Number(/\/tcp\/(\d+)/.exec(named[0] ?? '')?.[1] ?? config.values.p2p_port)
    const here = named.every(isLoopback) ? { p2p_host: '127.0.0.1', http_port: 0, mcp_port: 0 } : {}
    return { addrs: named, settings: { agents, ...here, p2p_port } }
  }
  if (addrs.every(isLoopback)) {
    const p2p_port = await freePort()
    const settings = { agents, p2p_host: '127.0.0.1', p2p_port, http_port: 0, mcp_port: 0 }
    return { addrs: [`/ip4/127.0.0.1/tcp/${p2p_port}`], settings }
  }
  const { p2p_port } = config.values
  return { addrs: ownAddresses().map((ip) => `/ip4/${ip}/tcp/${p2p_port}`), settings: { agents, p2p_port } }
}

// As many as a member may name.
const MAX_ADDRS = 8

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return all
    .flatMap(({ family, internal, address }) => (family === 'IPv4' && !internal ? [address] : []))
    .slice(0, MAX_ADDRS)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new RangeError('a TCP server listens on a port')
  return address.port
}

async function join(context: CommandContext, wanted: Omit<JoinPlan, 'ask' | 'now' | 'randomBytes'>): Promise<Joined> {
  const { askToJoin } = await import('@bzzz/mesh')
  const { now, randomBytes, signal } = context
  const ask = (request: Uint8Array) => askToJoin({ invite: wanted.invite, request, signal })
  return await joinMesh({ ...wanted, ask, now, randomBytes }).catch((error: unknown) => {
    if (error instanceof JoinError) throw refusal(error)
    throw diskFault(error, wanted.directory) ?? error
  })
}

function refusal({ code, message }: JoinError): CliError {
  const mayWork = code === 'UNREACHED' || code === 'UNABLE' || code === 'BUSY' // later
  const exitCode = mayWork ? exitCodes.unavailable : exitCodes.noPermission
  return new CliError(exitCode, `JOIN_${code}`, message)
}

function words({ directory, label: name, peer, role, newest }: Joined, { addrs, settings }: JoinPlace): string {
  const nodes = newest.manifest.members.filter((member) => member.role === 'node')
  const isNode = role === 'node'
  const agents = Array.isArray(settings.agents) ? settings.agents : []
  return [
    `${plain(name)} is a ${role} of ${plain(newest.manifest.network)}, mesh ${newest.mesh.slice(0, 16)}…, peer ${peer}`,
    `  ${directory}: its key, ${isNode ? 'its ledger, ' : ''}the network secret and its threads; never copy it to a second machine`,
    `  nodes: ${nodes.map((node) => plain(node.label)).join(', ')}`,
    ...(isNode ? [`  reached at: ${addrs.join(', ') || 'no address: it dials the others'}`] : []),
    ...(isNode ? [`  agents: ${agents.join(', ') || 'none yet (bzzz up --agents reviewer)'}`] : []),
    '',
    `Next: bzzz ${isNode ? 'up' : 'laptop up'} --data-dir ${directory}`,
  ].join('\n')
}

export async function readInvitation({ stdin }: CommandContext, text: string): Promise<Invite> {
  try {
    return decodeInvite(text === '-' ? await allOf(stdin) : text)
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

export function label(text: string): string {
  if (nodeLabel.safeParse(text).success) return text
  throw new InvalidArgumentError('letters, digits, . _ -, at most 63.')
}

function addr(text: string, before: readonly string[] = []): string[] {
  if (!/^\/(ip4|ip6|dns4|dns6|dns)\/[^/]+\/tcp\/\d{1,5}$/.test(text))
    throw new InvalidArgumentError('a multiaddr as /ip4/192.168.1.31/tcp/4001.')
  if (before.length >= MAX_ADDRS) throw new InvalidArgumentError(`at most ${MAX_ADDRS} of them.`)
  return [...before, text]
}

function roles(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  const odd = names.find((name) => !agentName.safeParse(name).success)
  if (odd !== undefined)
    throw new InvalidArgumentError(
      `names of roles, e.g. ${BUILT_IN_ROLES.map(({ name }) => name)
        .slice(0, 3)
        .join(',')}.`,
    )
  return names
}
