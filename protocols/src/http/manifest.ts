import { z } from 'zod'
import { nodeLabel } from '../manifest/manifest.ts'
import { usd } from './money.ts'

/** Changes of the manifest: limits, members, accounts. Asked of the node that holds the owner's key; all need the token. */
const node = z.string().min(1).max(128).describe('label or peer id of a member')

/** Says whether it could be done, and does nothing. */
const dry_run = z.boolean().default(false)

export const newLimit = z.strictObject({
  dim: z.enum(['day', 'month']),
  /** Refused when the limit would go the other way: whoever types `lower` does not mean to spend more. */
  direction: z.enum(['raise', 'lower']),
  /** For the whole mesh. */
  amount_usd: z.number().positive().max(1_000_000),
  dry_run,
})
export type NewLimit = z.infer<typeof newLimit>

export const adoptOrder = z.strictObject({
  node,
  /** For a machine with nobody to grant: rights in the running day and month anew, and the limits of both raised by as much. */
  reissue_usd: z.number().positive().max(1_000_000).optional(),
  dry_run,
})
export const removeOrder = z.strictObject({
  node,
  /** The operator's word that it will never spend again; without it, only a node that is reached is removed. */
  destroyed: z.boolean().default(false),
  dry_run,
})
export const restoreOrder = z.strictObject({
  /** Nodes whose ledgers are gone for good. Every other one has to confirm before anything else is signed. */
  gone: z.array(node).max(64).default([]),
})

const limitState = z.strictObject({
  /** `d:2026-11-22`, `m:2026-11`. */
  period: z.string(),
  dim: z.enum(['day', 'month']),
  /** The clock is in it. */
  running: z.boolean(),
  limit_usd: usd,
  /** What all nodes together hold or may still open it with, by what they have confirmed. */
  given_usd: usd,
  /** `given_usd` above the limit: so far may it be exceeded until those have confirmed. */
  may_exceed_by_usd: usd,
  waiting_for: z.array(nodeLabel.or(z.string())),
  /** Settled and held, at least; null for what has not begun, and where nobody could say. */
  spent_usd: usd.nullable(),
  /**
   * What all nodes together may still charge, at most: less than `given_usd` less `spent_usd` where ledgers were given up, more
   * where a node was billed above its part. Null as above.
   */
  left_usd: usd.nullable(),
})
export type LimitState = z.infer<typeof limitState>

export const manifestView = z.strictObject({
  version: z.number().int(),
  /** The owner's key signed two versions with one number. */
  contested: z.boolean(),
  owner_key: z.enum(['here', 'elsewhere']),
  nodes: z.array(
    z.strictObject({
      node_id: z.string(),
      peer_id: z.string(),
      /** The newest version that it confirmed; 0: none that is known here. */
      confirmed: z.number().int(),
      online: z.boolean(),
    }),
  ),
  limits: z.array(limitState),
  /** Nodes that work with a ledger of which the manifest does not know. */
  adopt_due: z.array(z.string()),
  /** The key came back from a backup: a raise begins with these periods. Null once both run, and without a restore. */
  raises_from: z.strictObject({ day: z.string(), month: z.string() }).nullable(),
})
export type ManifestView = z.infer<typeof manifestView>

export const manifestChanged = z.strictObject({
  /** `possible`: of a dry run that would be signed. */
  status: z.enum(['signed', 'unchanged', 'possible']),
  ...manifestView.shape,
})
export type ManifestChanged = z.infer<typeof manifestChanged>

export const leftAnswer = z.strictObject({
  /** `removed`: the manifest no longer names it. `told`: the owner's node was not reached, and has to remove it. */
  status: z.enum(['removed', 'told']),
  given: z.array(z.strictObject({ node_id: z.string(), period: z.string(), amount_usd: usd })),
})
export type LeftAnswer = z.infer<typeof leftAnswer>
