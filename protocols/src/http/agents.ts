import { z } from 'zod'

export const agentStatus = z.enum(['idle', 'busy', 'paused', 'unavailable', 'offline'])

export const agentView = z.strictObject({
  /** `name@peer`. */
  id: z.string(),
  name: z.string(),
  role: z.string(),
  specialization: z.string(),
  capabilities: z.array(z.string()),
  model: z.string(),
  provider: z.string(),
  /** True when no language model answers, or its prices are not real money. */
  simulated: z.boolean(),
  /** `offline` once the lease of its node's card has run out. */
  status: agentStatus,
  max_tasks: z.number().int(),
  active_tasks: z.number().int(),
  node_id: z.string(),
  peer_id: z.string(),
  /** This node's own agent. */
  own: z.boolean(),
  /** When the card that says so came in. */
  as_of: z.iso.datetime(),
})
export type AgentView = z.infer<typeof agentView>

export const agentsQuery = z.strictObject({
  role: z.string().max(64).optional(),
  status: agentStatus.optional(),
  /** Label or peer id. */
  node: z.string().max(64).optional(),
})
export type AgentsQuery = z.infer<typeof agentsQuery>

export const agentsAnswer = z.strictObject({ agents: z.array(agentView), total: z.number().int().min(0) })
export type AgentsAnswer = z.infer<typeof agentsAnswer>
