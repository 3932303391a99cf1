import { type AgentCard, type AgentId, type NodeCard, type PeerId, parseAgentId } from '@bzzz/protocols'

/** An agent that lives on a node whose lease runs. */
export interface FoundAgent {
  readonly agent: AgentCard
  readonly node: NodeCard
}

const ROLE_ALIAS = /^review_agent_(.+)$/

/**
 * Agents that a name stands for, best first: own node, then the smallest id.
 * @param name an agent id, a role, or `review_agent_<role>`
 * @param cards of live nodes only
 */
export function lookup(name: string, cards: readonly NodeCard[], self: PeerId): FoundAgent[] {
  const role = ROLE_ALIAS.exec(name)?.[1] ?? name
  const matches = ({ agent }: FoundAgent) =>
    parseAgentId(name) === undefined ? agent.role === role : agent.id === name
  return cards
    .flatMap((node) => node.agents.map((agent) => ({ agent, node })))
    .filter((found) => livesOnItsNode(found) && matches(found))
    .sort((a, b) => Number(b.node.peer === self) - Number(a.node.peer === self) || (a.agent.id < b.agent.id ? -1 : 1))
}

/** A card may name only agents of the peer that signed it. */
function livesOnItsNode({ agent, node }: FoundAgent): boolean {
  return homeOf(agent.id) === node.peer
}

function homeOf(agent: AgentId): PeerId | undefined {
  return parseAgentId(agent)?.peer
}
