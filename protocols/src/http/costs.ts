import { z } from 'zod'
import { usd } from './money.ts'
import { budgetLine, budgetState } from './node.ts'

/** What was spent, by the UTC day. Holds count as spent until a settlement gives the rest back. */
const time = z.iso.datetime()
const count = z.number().int().min(0)

export const dailyCosts = z.strictObject({
  /** UTC. */
  date: z.iso.date(),
  state: budgetState,
  /** Of the whole mesh. */
  limit_usd: usd,
  /** Settled and held, by all nodes of which a signed sum is at hand: it is at least this. */
  spent_usd: usd,
  /** It is at most this: what the nodes without a sum hold counts as spent, and what those that are away had left. */
  spent_at_most_usd: usd,
  /** Held here for calls that are not settled. */
  reserved_usd: usd,
  by_node: z.array(
    z.strictObject({ node_id: z.string(), peer_id: z.string(), spent_usd: usd, as_of: time.nullable() }),
  ),
  /** Nodes whose sum for this day is not at hand. */
  unknown_nodes: z.array(z.string()),
  /** This node's part of the limit. */
  own: budgetLine,
  /** The part of what this node spent that was billed above the bounds of its calls. */
  overrun_usd: usd,
  /** Models that were billed above a bound: this node does not call them until their price is another. */
  frozen_models: z.array(
    z.strictObject({
      model: z.string(),
      /** Of the last such call. */
      billed_usd: usd,
      /** What could be billed at most, by the price table. */
      bound_usd: usd,
    }),
  ),
})
export type DailyCosts = z.infer<typeof dailyCosts>

const row = z.strictObject({
  name: z.string(),
  spent_usd: usd,
  /** The part of it that is whole holds, charged because the model's server did not plainly say what it used. */
  unproven_usd: usd,
  held_usd: usd,
  calls: count,
  input_tokens: count,
  output_tokens: count,
  /** All of it is play money. */
  simulated: z.boolean(),
})

/** This node's own ledger: other nodes publish sums only. */
export const costsBreakdown = z.strictObject({
  date: z.iso.date(),
  node_id: z.string(),
  by_agent: z.array(row),
  by_model: z.array(row),
  by_thread: z.array(row),
})
export type CostsBreakdown = z.infer<typeof costsBreakdown>
