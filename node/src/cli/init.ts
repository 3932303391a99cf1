import { BUILT_IN_ROLES } from '@bzzz/agents'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { readPriceTable } from '../config/prices.ts'
import type { Values } from '../config/settings.ts'
import { type FoundedMesh, foundMesh, type PlannedMember } from '../init/init.ts'
import { type CommandContext, configFor, examples, type GlobalOptions, print, withGlobalOptions } from './context.ts'
import { diskFault } from './disk.ts'
import { CliError, exitCodes } from './exit.ts'
import { dollars } from './terminal.ts'

interface InitOptions extends GlobalOptions {
  readonly members?: readonly NamedMember[]
  readonly agents: readonly Placement[]
  readonly network?: string
  readonly daily?: number
  readonly monthly?: number
}
interface NamedMember {
  readonly label: string
  readonly addr: string | undefined
  readonly role: 'node' | 'laptop'
}
type Placement = readonly [label: string, agents: readonly string[]]

const DEFAULT_AGENTS = ['architect', 'reviewer', 'security'] as const
const DEFAULT_DAILY_USD = 10
const DEFAULT_MONTHLY_USD = 100

export function addInitCommand(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('init'))
    .description('found a mesh: keys, a ledger for each machine, and one signed manifest with the limits')
    .option(
      '--members <list>',
      'several machines at once: name, or name=/ip4/…/tcp/4001; a folder for each is made in the data directory',
      members,
    )
    .addOption(
      new Option('--agents <name=roles>', 'which agents live on which machine (repeat it)')
        .argParser(placement)
        .default([], 'the three roles of a review, dealt out'),
    )
    .option('--network <name>', 'name of the mesh')
    .option(
      '--daily <dollars>',
      `limit of a UTC day for the whole mesh (default ${DEFAULT_DAILY_USD}, or DAILY_COST_LIMIT)`,
      positiveDollars,
    )
    .option(
      '--monthly <dollars>',
      `limit of a UTC month for the whole mesh (default ${DEFAULT_MONTHLY_USD}, or MONTHLY_COST_LIMIT)`,
      positiveDollars,
    )
    .addHelpText(
      'after',
      examples(
        'bzzz init',
        'bzzz init --data-dir ./lab --members walnut=/ip4/192.168.1.27/tcp/4001,ironwood=/ip4/192.168.1.72/tcp/4001 --agents walnut=architect,reviewer --agents ironwood=security --daily 20',
        'bzzz init --data-dir ./lab --members walnut,ironwood,acacia   # three nodes on this machine',
      ),
    )
    .action(async (options: InitOptions) => {
      const config = configFor(context, options, {
        network_id: options.network,
        daily_limit: options.daily,
        monthly_limit: options.monthly,
      })
      const day = config.values.daily_limit ?? DEFAULT_DAILY_USD
      const month = config.values.monthly_limit ?? DEFAULT_MONTHLY_USD
      if (day > month)
        throw new CliError(
          exitCodes.usage,
          'LIMITS_CROSSED',
          `the limit of a day, ${dollars(day)}, is above that of a month, ${dollars(month)}`,
        )
      const founded = await foundMesh({
        directory: config.dataDirectory,
        network: config.values.network_id,
        members: planMembers(options, config.values),
        dailyUsd: day,
        monthlyUsd: month,
        perAgentDailyUsd: config.values.per_agent_daily ?? null,
        thresholds: { warning: config.values.warning_threshold, critical: config.values.critical_threshold },
        prices: await readPriceTable(config.values),
        now: context.now,
        randomBytes: context.randomBytes,
      }).catch((error) => {
        throw diskFault(error, config.dataDirectory) ?? error
      })
      const value = {
        mesh: founded.manifest.mesh,
        network: config.values.network_id,
        daily_limit_usd: day,
        monthly_limit_usd: month,
        owner_key: founded.ownerKey,
        members: founded.members,
      }
      print(context, options, value, () => initText(founded, config.values.network_id, day, month))
    })
}

function initText(founded: FoundedMesh, network: string, day: number, month: number): string {
  return [
    `founded ${network}, mesh ${founded.manifest.mesh.slice(0, 16)}…, limits ${dollars(day)} a day and ${dollars(month)} a month for all nodes together`,
    ...founded.members.map(
      (member) =>
        `  ${member.label}: ${member.directory}, agents ${member.agents.join(', ') || 'none'}, ${member.addr}, ${member.peer}`,
    ),
    '',
    `Back up the owner key, on paper or another medium: ${founded.ownerKey}`,
    'It signs the limits and the list of members; no node needs it to run. It is one line of 64 digits. Keep it in use in one place alone;',
    'from a backup it comes back with "bzzz owner restore" (docs/budget.md). A node key or ledger is never copied to two machines.',
    '',
    nextWords(founded),
    ...founded.members.map((member) => `  bzzz up --data-dir ${member.directory}`),
    ...missingRoles(founded),
  ].join('\n')
}

function nextWords({ members }: FoundedMesh): string {
  if (members.length === 1) return 'Next:'
  const here = members.every(({ addr }) => addr.startsWith('/ip4/127.'))
  return here
    ? 'All of them share this machine; start each in a terminal of its own:'
    : `Move each folder to its machine (it holds that machine's key), then there:`
}

/** What a review of the usual three roles would lack. */
function missingRoles({ members }: FoundedMesh): string[] {
  const taken = new Set(members.flatMap(({ agents }) => agents))
  const missing = DEFAULT_AGENTS.filter((role) => !taken.has(role))
  const unknown = [...taken].filter((role) => !BUILT_IN_ROLES.some(({ name }) => name === role))
  return [
    ...(missing.length === 0
      ? []
      : ['', `No agent takes ${missing.join(', ')}: name the roles you have with "bzzz review --required …".`]),
    ...(unknown.length === 0
      ? []
      : [
          '',
          `Not built in: ${unknown.join(', ')}. Define it in config/custom-agent-roles.json of its machine's folder.`,
        ]),
  ]
}

/** Without addresses the nodes are taken to share this machine: ports count up, and all listen on loopback. */
function planMembers(options: InitOptions, values: Values): PlannedMember[] {
  const named = options.members ?? [{ label: values.node_id, addr: undefined, role: 'node' as const }]
  const placed = new Map(options.agents)
  for (const label of placed.keys()) {
    if (!named.some((member) => member.label === label))
      throw new CliError(exitCodes.usage, 'MEMBER_UNKNOWN', `--agents ${label}=…: there is no member ${label}`)
  }
  const nodes = named.filter((member) => member.role === 'node')
  const single = named.length === 1
  return named.map((member, index) => ({
    label: member.label,
    role: member.role,
    addr: member.addr ?? `/ip4/127.0.0.1/tcp/${values.p2p_port + index}`,
    agents: agentsOf(member, placed, values, nodes),
    settings: settingsOf(member, index, values, single, sharing(named, index)),
  }))
}

/** How many members before it are on the same machine, by their addresses. */
function sharing(named: readonly NamedMember[], index: number): number {
  const host = hostOf(named[index])
  return named.slice(0, index).filter((other) => host !== undefined && hostOf(other) === host).length
}

function hostOf(member: NamedMember | undefined): string | undefined {
  return member?.addr?.split('/').slice(0, 3).join('/')
}

function settingsOf(
  member: NamedMember,
  index: number,
  values: Values,
  single: boolean,
  before: number,
): Record<string, unknown> {
  if (member.addr !== undefined) {
    const p2p_port = Number(/\/tcp\/(\d+)/.exec(member.addr)?.[1] ?? values.p2p_port)
    const doors = { http_port: values.http_port + 10 * before, mcp_port: values.mcp_port + 10 * before }
    const loopback = member.addr.startsWith('/ip4/127.') ? { p2p_host: '127.0.0.1' } : {}
    return { ...loopback, p2p_port, ...(before === 0 ? {} : doors) }
  }
  if (single) return { p2p_host: '127.0.0.1', p2p_port: values.p2p_port }
  return {
    p2p_host: '127.0.0.1',
    p2p_port: values.p2p_port + index,
    http_port: values.http_port + 10 * index,
    mcp_port: values.mcp_port + 10 * index,
  }
}

function agentsOf(
  member: NamedMember,
  placed: ReadonlyMap<string, readonly string[]>,
  values: Values,
  nodes: readonly NamedMember[],
): readonly string[] {
  if (member.role === 'laptop') return []
  if (placed.size > 0) return placed.get(member.label) ?? []
  if (nodes.length === 1 && values.agents.length > 0) return values.agents
  return defaultAgents(nodes.indexOf(member), nodes.length)
}

/** The three roles of a review dealt out in turn. */
function defaultAgents(index: number, nodes: number): string[] {
  return DEFAULT_AGENTS.filter((_, role) => role % nodes === index)
}

function members(text: string): NamedMember[] {
  const list = text.split(',').map((part) => {
    const [, label, addr, role] =
      /^([A-Za-z0-9][A-Za-z0-9._-]{0,62})(?:=(\/[^:]+))?(?::(laptop))?$/.exec(part.trim()) ?? []
    if (label === undefined)
      throw new InvalidArgumentError(`"${part}" is not name, name=/ip4/…/tcp/PORT or name:laptop.`)
    return { label, addr, role: role === 'laptop' ? ('laptop' as const) : ('node' as const) }
  })
  if (new Set(list.map((member) => member.label)).size !== list.length)
    throw new InvalidArgumentError('each name once.')
  if (!list.some((member) => member.role === 'node'))
    throw new InvalidArgumentError('at least one node that is no laptop.')
  return list
}

function placement(text: string, previous: readonly Placement[]): Placement[] {
  const [, label, roles] = /^([A-Za-z0-9][A-Za-z0-9._-]*)=([a-z0-9_,-]+)$/.exec(text) ?? []
  if (label === undefined || roles === undefined)
    throw new InvalidArgumentError('name=role,role, e.g. walnut=architect,reviewer.')
  return [...previous, [label, roles.split(',')] as const]
}

function positiveDollars(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 1_000_000)) throw new InvalidArgumentError('Give dollars above 0.')
  return value
}
