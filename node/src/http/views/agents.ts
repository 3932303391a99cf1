import type { KnownCard } from '@bzzz/mesh'
import { type AgentCard, type AgentsQuery, type AgentView, agentName, parseAgentId } from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'
import { isoTime } from './names.ts'

/** All agents of the mesh from the newest cards, by id. */
export function agentViews({ node, mesh }: Pick<DoorPorts, 'node' | 'mesh'>): AgentView[] {
  return mesh
    .cards()
    .flatMap((held) => held.card.agents.map((agent) => agentView(agent, held, held.card.peer === node.peer)))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

function agentView(agent: AgentCard, { card, live, receivedMs }: KnownCard, own: boolean): AgentView {
  return {
    id: agent.id,
    name: parseAgentId(agent.id)?.name ?? agent.id,
    role: agent.role,
    specialization: agent.specialization,
    capabilities: agent.capabilities,
    model: agent.model,
    provider: agent.provider,
    simulated: agent.simulated,
    status: live ? agent.status : 'offline',
    max_tasks: agent.maxTasks,
    active_tasks: agent.activeTurns,
    node_id: card.label,
    peer_id: card.peer,
    own,
    as_of: isoTime(receivedMs),
  }
}

export function matchesAgent(agent: AgentView, query: AgentsQuery): boolean {
  return (
    (query.role === undefined || agent.role === query.role) &&
    (query.status === undefined || agent.status === query.status) &&
    (query.node === undefined || agent.node_id === query.node || agent.peer_id === query.node)
  )
}

// The guide's ids: `review_agent_architect` stands for whoever takes the role.
const ALIAS_PREFIX = 'review_agent_'

/**
 * By full id (`name@peer`), else by name, else by the guide's alias or the role itself.
 * @param agents ascending by id. Where several fit: this node's own first, then the smallest id.
 */
export function findAgent(agents: readonly AgentView[], text: string): AgentView | undefined {
  if (!agentName.safeParse(text).success) return agents.find((agent) => agent.id === text)
  const role = text.startsWith(ALIAS_PREFIX) ? text.slice(ALIAS_PREFIX.length) : text
  const named = agents.filter((agent) => agent.name === text)
  return ownFirst(named) ?? ownFirst(agents.filter((agent) => agent.role === role))
}

function ownFirst(agents: readonly AgentView[]): AgentView | undefined {
  return agents.find((agent) => agent.own) ?? agents[0]
}
