import { z } from 'zod'
import { threadId } from '../ids/ids.ts'

/** Tokens of laptops that sync threads over `/sync`. */
const time = z.iso.datetime()
const holder = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/, { message: 'letters, digits, space . _ -, at most 64' })
const projects = z.array(z.string().trim().min(1).max(128)).min(1).max(64)
const threads = z.array(threadId).min(1).max(256)

export const newSyncToken = z.strictObject({
  /** Who speaks: entries are by `human:<name>` of this node. */
  name: holder,
  read_only: z.boolean().default(false),
  /** From now on; null: until it is revoked. */
  expires_in_ms: z
    .number()
    .int()
    .min(1_000)
    .max(3_650 * 86_400_000)
    .nullable()
    .default(null),
  /** It is for the threads of these projects and for these threads; neither: for all. */
  projects: projects.nullable().default(null),
  threads: threads.nullable().default(null),
})
export type NewSyncToken = z.infer<typeof newSyncToken>

export const syncTokenView = z.strictObject({
  id: z.string(),
  name: z.string(),
  read_only: z.boolean(),
  projects: z.array(z.string()).nullable(),
  threads: z.array(z.string()).nullable(),
  created_at: time,
  expires_at: time.nullable(),
})
export type SyncTokenView = z.infer<typeof syncTokenView>

/** The only time that the token is shown: the node keeps its hash. */
export const createdSyncToken = z.strictObject({ ...syncTokenView.shape, token: z.string(), sync_url: z.string() })
export type CreatedSyncToken = z.infer<typeof createdSyncToken>

/** Newest first. */
export const syncTokensAnswer = z.strictObject({ tokens: z.array(syncTokenView) })

export const revokedSyncToken = z.strictObject({ id: z.string(), revoked: z.literal(true) })

/** What a laptop has to know to write: of the node that it speaks through, and of its own token. */
export const syncInfo = z.strictObject({
  /** The node's peer id and label. */
  peer: z.string(),
  node: z.string(),
  /** The node's public key: actors of the laptop begin with it. */
  key: z.string(),
  /** The author of everything that is written with this token. */
  author: z.string(),
  name: z.string(),
  read_only: z.boolean(),
  projects: z.array(z.string()).nullable(),
  threads: z.array(z.string()).nullable(),
  expires_at: time.nullable(),
})
export type SyncInfo = z.infer<typeof syncInfo>
