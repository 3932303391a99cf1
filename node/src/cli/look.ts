import { agentsAnswer, nodeStatus, peersAnswer } from '@bzzz/protocols'
import type { Command } from 'commander'
import { durationText } from '../config/duration.ts'
import type { Setting } from '../config/settings.ts'
import {
  type CommandContext,
  clientFor,
  configFor,
  examples,
  type GlobalOptions,
  print,
  withGlobalOptions,
} from './context.ts'
import { exitCodes } from './exit.ts'
import { adoptLines } from './manifest-words.ts'
import { ago, dollars, plain, styled, table } from './terminal.ts'

/** Commands that only look: status, config, peers, agents. */
export function addLookCommands(program: Command, context: CommandContext): void {
  addStatus(program, context)
  addConfig(program, context)
  addPeers(program, context)
  addAgents(program, context)
}

const REMOVED =
  'this node was removed from the mesh; it makes no calls, and comes back only as a new machine, by an invitation'

function addStatus(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('status'))
    .description('how the running node stands; exit code 69 when none runs, or one that is no laptop sees no peer')
    .addHelpText('after', examples('bzzz status', 'bzzz status --json'))
    .action(async (options: GlobalOptions) => {
      const client = await clientFor(context, options)
      const status = await client.get('node', '/api/status', nodeStatus)
      const laptop = status.node.role === 'laptop'
      const alone = status.node.peers.total > 0 && status.node.peers.online === 0
      const { member } = status.node
      if ((alone && !laptop) || !member || status.node.status === 'down') context.setExitCode(exitCodes.unavailable)
      print(context, options, status, () => {
        const { node, agents, conversations, budget } = status
        const away = laptop ? 'offline: no node is reached' : 'isolated: no peer is reached'
        const state = `${node.status}${alone ? ` (${away})` : ''}`
        return [
          `${styled(context.terminal, 'bold', plain(node.node_id))} of ${plain(node.network_id)}: ${member ? state : REMOVED}`,
          `  peer id   ${node.peer_id}`,
          `  uptime    ${Math.round(node.uptime_s)} s, version ${node.version}, pid ${client.running.pid}`,
          `  api       ${client.running.node_url} (node), ${client.running.agents_url} (agents)`,
          `  peers     ${node.peers.online} of ${node.peers.total} online`,
          `  agents    ${agents.own} here, ${agents.live} of ${agents.total} live in the mesh`,
          `  threads   ${conversations.active} active, ${conversations.approved} approved, ${conversations.changes_requested} changes requested, ${conversations.escalated} escalated, ${conversations.archived} archived`,
          !member || (laptop && budget.state === 'no-rights')
            ? `  budget    none (${member ? 'a laptop' : 'no member of a mesh'})`
            : `  budget    ${budget.state}${budget.state === 'frozen' ? ' (see "bzzz budget show")' : ''}: today this node may spend ${dollars(budget.share_usd)}, spent ${dollars(budget.spent_usd)}, held ${dollars(budget.held_usd)}, available ${dollars(budget.available_usd)}`,
          ...adoptLines(member ? budget.adopt_due : []).map((line) => `  ${line}`),
        ].join('\n')
      })
    })
}

function addConfig(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('config'))
    .description('every setting with its value and where that came from; secrets are not shown')
    .addHelpText('after', examples('bzzz config', 'bzzz config --json --data-dir ./lab/walnut'))
    .action(async (options: GlobalOptions) => {
      const { settings } = await import('../config/settings.ts')
      const config = configFor(context, options)
      const rows = Object.entries(settings).map(([name, setting]) => {
        const value = config.values[name as keyof typeof config.values]
        const { source, from } = config.provenance[name as keyof typeof config.provenance]
        return {
          name,
          value: value === undefined ? null : shownValue(setting, value),
          source,
          from,
          env: 'env' in setting ? setting.env : null,
          help: setting.help,
        }
      })
      const value = {
        data_dir: config.dataDirectory,
        settings: rows,
        roles_file: config.rolesFile ?? null,
        set_without_effect: config.unused,
      }
      print(context, options, value, () =>
        [
          `data directory: ${config.dataDirectory}`,
          ...(config.unused.length === 0
            ? []
            : [`set, but without effect in this version: ${config.unused.join(', ')}`]),
          table(
            context.terminal,
            ['setting', 'value', 'source', 'environment', 'meaning'],
            rows.map((row) => [
              row.name,
              row.value === null ? '-' : String(row.value),
              row.from,
              row.env ?? '-',
              row.help,
            ]),
          ),
        ].join('\n'),
      )
    })
}

function shownValue({ secret, isDuration }: Pick<Setting, 'secret' | 'isDuration'>, value: unknown): unknown {
  if (secret === true) return '(set)'
  return isDuration === true && typeof value === 'number' ? durationText(value) : value
}

function addPeers(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('peers'))
    .description('the members of the mesh, and which of them this node reaches')
    .addHelpText('after', examples('bzzz peers', 'bzzz peers --json'))
    .action(async (options: GlobalOptions) => {
      const client = await clientFor(context, options)
      const answer = await client.get('node', '/api/peers', peersAnswer)
      print(context, options, answer, () =>
        [
          `this node: ${plain(answer.self.node_id)} ${answer.self.peer_id} at ${answer.self.addrs.join(', ')}`,
          table(
            context.terminal,
            ['node', 'state', 'latency', 'last seen', 'agents', 'peer id', 'why'],
            answer.peers.map((peer) => [
              peer.role === 'laptop' ? `${peer.node_id} (laptop)` : peer.node_id,
              peer.state,
              peer.latency_ms === null ? '-' : `${peer.latency_ms.toFixed(1)} ms`,
              ago(peer.last_seen, context.now()),
              peer.roles.join(',') || '-',
              peer.peer_id,
              peer.reason ?? '',
            ]),
          ),
        ].join('\n'),
      )
    })
}

function addAgents(program: Command, context: CommandContext): void {
  withGlobalOptions(program.command('agents'))
    .description('the agents of the mesh, on whichever node they live')
    .option('--role <role>', 'only of this role')
    .option('--status <status>', 'idle, busy, paused, unavailable or offline')
    .option('--node <node>', 'only on this node (name or peer id)')
    .addHelpText('after', examples('bzzz agents', 'bzzz agents --role security --json'))
    .action(async (options: GlobalOptions & { role?: string; status?: string; node?: string }) => {
      const client = await clientFor(context, options)
      const wanted = Object.entries({ role: options.role, status: options.status, node: options.node })
      const query = new URLSearchParams(wanted.filter((pair): pair is [string, string] => pair[1] !== undefined))
      const answer = await client.get('agents', `/api/agents?${query}`, agentsAnswer)
      print(context, options, answer, () =>
        table(
          context.terminal,
          ['agent', 'role', 'node', 'status', 'model', 'provider', 'specialization'],
          answer.agents.map((agent) => [
            agent.name,
            agent.role,
            agent.node_id,
            agent.status,
            agent.model,
            agent.simulated ? `${agent.provider} (simulated)` : agent.provider,
            agent.specialization,
          ]),
        ),
      )
    })
}
