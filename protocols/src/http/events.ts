import { z } from 'zod'
import { threadId } from '../ids/ids.ts'
import { alertView } from './budget.ts'
import { entryView } from './conversations.ts'
import { budgetLine, peerView } from './node.ts'

/** What `GET /api/events` sends: server-sent events whose `id` is the cursor to resume from. See spec.md. */
export const eventsQuery = z.strictObject({
  /** Only what belongs to this thread. */
  thread: threadId.optional(),
  /** With `thread`: also the text of its model calls while they run. */
  tokens: z.stringbool().default(true),
  /** Cursor of the last event seen; the header Last-Event-ID, when there is one, wins. */
  after: z.string().max(64).optional(),
})

export const budgetEvent = z.strictObject({
  /** `d:2026-11-22`, `m:2026-11`, `t:<thread>` or `a:<agent>:2026-11-22`. */
  period: z.string(),
  ...budgetLine.shape,
})

export const turnEvent = z.strictObject({
  thread: z.string(),
  turn: z.string(),
  agent: z.string(),
  phase: z.string(),
  round: z.number().int(),
  state: z.enum(['started', 'finished', 'paused', 'unavailable', 'failed']),
  /** For paused, unavailable and failed. */
  reason: z.string().nullable(),
})

/**
 * Text of a model call that still runs, as it comes; it is no part of the thread until its turn has an entry. Without a
 * cursor, never sent again, left out for a client that reads too slowly.
 */
export const tokensEvent = z.strictObject({
  thread: z.string(),
  turn: z.string(),
  call: z.string(),
  agent: z.string(),
  /** Label of the agent's node, which signed the text. */
  node: z.string(),
  phase: z.string(),
  round: z.number().int(),
  /** Where `text` begins in the reply, in UTF-16 code units: above the end of the last one, something was left out. */
  offset: z.number().int(),
  text: z.string(),
})

/** Events behind the cursor are lost: read the state again, then go on from `cursor`. */
export const resetEvent = z.strictObject({ cursor: z.string() })

/** Data by event name. */
export const eventData = {
  entry: entryView,
  peer: peerView,
  budget: budgetEvent,
  alert: alertView,
  turn: turnEvent,
  tokens: tokensEvent,
  reset: resetEvent,
} as const
export type EventName = keyof typeof eventData
export type EventData<N extends EventName> = z.infer<(typeof eventData)[N]>
