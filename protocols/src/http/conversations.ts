import { z } from 'zod'
import { MAX_CONTENT_CHARS } from '../entry/entry.ts'
import { usd } from './money.ts'

/** Threads, as the guide calls them. */
const time = z.iso.datetime()
const count = z.number().int().min(0)
const entryIdText = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/, { message: 'not an entry id' })
/** An entry's id, or a cursor: its change and its place in it, behind the number of its part in a later part of a long thread. */
const place = z
  .string()
  .regex(/^([A-Za-z0-9_-]{8,64}|(\d{1,3}:)?[0-9a-f]{64}:\d{1,9})$/, { message: 'not an entry id or a cursor' })
/** Change hashes; equal heads on two nodes mean that both hold the very same thread. */
const heads = z.array(z.string())

const conversationState = z.enum(['active', 'approved', 'changes_requested', 'escalated'])
const MAX_PAGE = 1_000
/** Archived ones of any state are in no list but their own. */
const listed = z.enum([...conversationState.options, 'archived'])

export const conversationsQuery = z
  .strictObject({
    status: listed.optional(),
    /** The same filter under its other name. */
    state: listed.optional(),
    limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
  })
  .refine((query) => query.status === undefined || query.state === undefined || query.status === query.state, {
    message: 'status and state are the same filter: give one of them',
  })
export type ConversationsQuery = z.infer<typeof conversationsQuery>

export const conversationSummary = z.strictObject({
  id: z.string(),
  topic: z.string(),
  project: z.string(),
  state: conversationState,
  /** Somebody archived it, and nothing was written to it since. */
  archived: z.boolean(),
  messages: count,
  created_at: time,
  last_activity: time,
  /** Of all its signed changes, as they are sent. */
  bytes: count,
  /** False: only its opening is sure to be here; asking for the conversation fetches the rest. */
  followed: z.boolean(),
  /** What they take on this node's disk: less once the conversation is archived and they are compressed. */
  stored_bytes: count,
})
export type ConversationSummary = z.infer<typeof conversationSummary>

/** Newest activity first; `total` counts all that match. */
export const conversationsAnswer = z.strictObject({ conversations: z.array(conversationSummary), total: count })
export type ConversationsAnswer = z.infer<typeof conversationsAnswer>

export const conversationView = z.strictObject({
  ...conversationSummary.shape,
  heads,
  participants: z.array(
    z.strictObject({ author: z.string(), role: z.string().nullable(), node_id: z.string(), messages: count }),
  ),
  cost_usd: usd,
  /** Some of the cost is play money, or some of the words come from rules. */
  simulated: z.boolean(),
  /** Under which a stock automerge-repo client opens it over `/sync`. */
  sync_url: z.string(),
})
export type ConversationView = z.infer<typeof conversationView>

export const entryView = z.strictObject({
  id: z.string(),
  thread: z.string(),
  type: z.string(),
  /** `name@peer`, `human:name@peer` or `system@peer`. */
  author: z.string(),
  /** Label of the author's node, or its peer id when no card of it came yet. */
  node: z.string(),
  /** A person wrote it on a laptop that speaks through that node. */
  laptop: z.boolean(),
  content: z.string(),
  ts: time,
  /**
   * The author's node signed the change that holds this entry, and this node checked it. Pending: it came with a whole
   * thread whose signatures are being checked just now; if one is wrong, all of that is gone again.
   */
  verified: z.union([z.literal(true), z.literal('pending')]),
  /** Labels of the nodes that are known to have it on disk; others may have it too. */
  on_nodes: z.array(z.string()),
  /** Hash of that change. */
  change: z.string(),
  cost_usd: usd.nullable(),
  simulated: z.boolean(),
  /** The signed entry itself, as it stands in the thread. */
  entry: z.looseObject({ id: z.string(), type: z.string() }),
})
export type EntryView = z.infer<typeof entryView>

export const messagesQuery = z.strictObject({
  /** Entries behind this one, in the order shown. Late entries may still sort before it: compare heads, or follow the events. */
  after: place.optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE),
})

export const messagesAnswer = z.strictObject({
  id: z.string(),
  /** Of a long thread those of the part in which the page ends; the conversation itself has all. */
  heads,
  /** Causal order; what is concurrent is ordered by time, then id. */
  messages: z.array(entryView),
  total: count,
  /** Members of the mesh, laptops and this node among them: so many could have an entry. */
  nodes: count,
  /** A cursor: pass it as `after` for the next page; null at the end. */
  next: z.string().nullable(),
})
export type MessagesAnswer = z.infer<typeof messagesAnswer>

/** Who speaks: a person's name, signed for by this node's key. */
export const personName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/, { message: 'letters, digits, space . _ -, at most 64' })
  .default('operator')

export const newConversation = z.strictObject({
  topic: z.string().trim().min(1).max(500),
  project: z.string().trim().min(1).max(128).default('default'),
  content: z.string().max(MAX_CONTENT_CHARS).default(''),
  from: personName,
})
export type NewConversation = z.infer<typeof newConversation>

export const newMessage = z.strictObject({
  content: z.string().min(1).max(MAX_CONTENT_CHARS),
  from: personName,
  reply_to: entryIdText.optional(),
})
export type NewMessage = z.infer<typeof newMessage>

/** A body may be left out. */
export const archiveRequest = z.strictObject({ from: personName }).nullish()

/** On disk, synced, when it is answered; the log is compressed afterwards. */
export const archivedAnswer = z.strictObject({
  thread: z.string(),
  archived: z.literal(true),
  /** It was archived already; nothing was written. */
  repeated: z.boolean(),
})
export type ArchivedAnswer = z.infer<typeof archivedAnswer>

/** On disk, synced, when it is answered. */
export const postedAnswer = z.strictObject({ thread: z.string(), id: z.string(), heads })
export type PostedAnswer = z.infer<typeof postedAnswer>
