import { z } from 'zod'
import { usd } from './money.ts'

/** Answers of the node's door: is it alive, whom does it see, how does it stand. */
const time = z.iso.datetime()
const count = z.number().int().min(0)

/** `degraded`: alive, but something needs a look; `down`: it can take no work (status 503). */
const health = z.enum(['ok', 'degraded', 'down'])

export const nodeHealth = z.strictObject({
  status: health,
  node_id: z.string(),
  peer_id: z.string(),
  network_id: z.string(),
  role: z.string(),
  version: z.string(),
  uptime_s: z.number().min(0),
  /** False once it left the mesh, or was removed. */
  member: z.boolean(),
  /** Nodes alone: laptops come and go. */
  peers: z.strictObject({ online: count, total: count }),
  store: z.enum(['open', 'frozen', 'closed']),
  transport: z.enum(['up', 'down']),
})
export type NodeHealth = z.infer<typeof nodeHealth>

/**
 * Of this node's own part. `spent`: nothing is left now; `no-rights`: it has no
 * part, neither by the manifest nor by grants; `frozen`: a write
 * failed, and no call is made until the node was restarted.
 */
export const budgetState = z.enum(['ok', 'warning', 'critical', 'spent', 'no-rights', 'frozen'])
export type BudgetState = z.infer<typeof budgetState>

/** What this node may spend in one period (`share_usd`: its rights, or less by its own configuration), and what became of it. */
export const budgetLine = z.strictObject({ share_usd: usd, spent_usd: usd, held_usd: usd, available_usd: usd })
export type BudgetLineView = z.infer<typeof budgetLine>

export const agentsHealth = z.strictObject({
  status: health,
  agents: count,
  /** From the calls that were made; asking for health never makes one. */
  llm: z.strictObject({
    provider: z.string(),
    model: z.string(),
    simulated: z.boolean(),
    configured: z.boolean(),
    last_ok: time.nullable(),
    last_error: z.string().nullable(),
  }),
  budget: z.strictObject({ state: budgetState }),
  sync: z.strictObject({ threads: count }),
})
export type AgentsHealth = z.infer<typeof agentsHealth>

export const peerView = z.strictObject({
  peer_id: z.string(),
  node_id: z.string(),
  role: z.enum(['node', 'laptop']),
  state: z.enum(['online', 'offline', 'connecting']),
  addrs: z.array(z.string()),
  latency_ms: z.number().nullable(),
  last_seen: time.nullable(),
  /** Why it is not reached, in words. */
  reason: z.string().nullable(),
  /** Roles of the agents on it, from its newest card. */
  roles: z.array(z.string()),
})
export type PeerView = z.infer<typeof peerView>

export const peersAnswer = z.strictObject({
  self: z.strictObject({ peer_id: z.string(), node_id: z.string(), addrs: z.array(z.string()) }),
  /** Version of the manifest in force here, which names the members. */
  manifest_version: count,
  peers: z.array(peerView),
  total: count,
})
export type PeersAnswer = z.infer<typeof peersAnswer>

export const nodeStatus = z.strictObject({
  node: nodeHealth,
  peers: z.array(peerView),
  agents: z.strictObject({ own: count, live: count, total: count }),
  /** Archived ones of any state count as that alone. */
  conversations: z.strictObject({
    active: count,
    approved: count,
    changes_requested: count,
    escalated: count,
    archived: count,
  }),
  /** Of today, in UTC. */
  budget: z.strictObject({
    state: budgetState,
    /** Nodes that work with a ledger of which the manifest does not know: `bzzz budget adopt` is due, where the owner's key is. */
    adopt_due: z.array(z.string()),
    ...budgetLine.shape,
  }),
})
export type NodeStatus = z.infer<typeof nodeStatus>
