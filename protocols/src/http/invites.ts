import { z } from 'zod'
import { nodeLabel } from '../manifest/manifest.ts'

/** Invitations, by which machines join the mesh. */
const time = z.iso.datetime()
const DAY_S = 86_400

export const newInvite = z.strictObject({
  /** What it will be: a node holds a part of the limits and runs agents, a laptop neither. */
  role: z.enum(['laptop', 'node']),
  /** What the new member will be called; without it, it names itself. */
  label: nodeLabel.optional(),
  expires_s: z
    .number()
    .int()
    .min(60)
    .max(30 * DAY_S)
    .default(DAY_S),
})
export type NewInvite = z.infer<typeof newInvite>

export const inviteView = z.strictObject({
  /** Peer id of the invitation's key. */
  id: z.string(),
  role: z.enum(['laptop', 'node']),
  label: z.string().nullable(),
  state: z.enum(['open', 'used', 'revoked', 'expired']),
  created_at: time,
  expires_at: time,
  /** Who joined with it. */
  used_by: z.strictObject({ peer_id: z.string(), label: z.string(), at: time }).nullable(),
})
export type InviteView = z.infer<typeof inviteView>

/** The token is a secret, and is told this once: the node does not keep it. */
export const inviteMade = z.strictObject({ ...inviteView.shape, token: z.string() })
export type InviteMade = z.infer<typeof inviteMade>

/** Newest first. */
export const invitesAnswer = z.strictObject({ invites: z.array(inviteView), total: z.number().int() })
