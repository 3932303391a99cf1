import { z } from 'zod'

const count = z.number().int().min(0)

export const cleanupQuery = z.strictObject({
  /** How long nothing was written to a conversation, whatever its state, before it is archived. */
  older_than: z
    .string()
    .regex(/^\d{1,9}(\.\d+)?(ms|s|m|h|d)$/, { message: 'not a duration such as 30d, 12h or 90m' })
    .default('30d'),
})

export const cleanupAnswer = z.strictObject({
  /** Conversations that are archived now and were not before. */
  archived: count,
  /** Conversations that stay as they are: not idle for so long, or more than one request takes time for (ask again). */
  skipped: count,
  /** By which their logs on this node's disk became smaller. */
  freed_bytes: count,
})
export type CleanupAnswer = z.infer<typeof cleanupAnswer>
