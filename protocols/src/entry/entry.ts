import { z } from 'zod'
import { nanoUsdText } from '../bytes/shapes.ts'
import { sha256 } from '../bytes/signing.ts'
import { account, agentId, isPeerId, MAX_PART, type PeerId, roleName, threadId, turnId } from '../ids/ids.ts'
import { finding } from '../review-change/change.ts'

/**
 * One entry of a thread: JSON inside an Automerge immutable string. The set of types is closed but for `x-` extensions.
 * Everything that a thread *is* (state, votes, verdict) is derived from its entries. See spec.md.
 */
export const MAX_ENTRY_BYTES = 128 * 1024
export const MAX_CONTENT_CHARS = 64 * 1024
/** More than any turn takes; small enough that the sum of a thread's is exact. */
const MAX_ENTRY_TOKENS = 1_000_000_000
/** Heads of a thread that an entry names. */
export const MAX_NAMED_HEADS = 256

const entryId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/)
/** `name@peer` for an agent; `human:<name>@peer` and `system@peer` for the others. The peer signs for all of them. */
const author = z
  .string()
  .max(200)
  .refine((text) => authorPeer(text) !== undefined, {
    message: 'not an author (name@peer, human:name@peer, system@peer)',
  })

export function authorPeer(text: string): PeerId | undefined {
  const at = text.lastIndexOf('@')
  const name = text.slice(0, at)
  if (!/^(human:)?[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/.test(name)) return undefined
  const peer = text.slice(at + 1)
  return isPeerId(peer) ? peer : undefined
}

const tokenCount = z.number().int().min(0).max(MAX_ENTRY_TOKENS)

const base = {
  id: entryId,
  author,
  /** Wall clock of the author's node in milliseconds: for people, never for order. */
  ts: z.number().int().min(0),
  content: z.string().max(MAX_CONTENT_CHARS),
  replyTo: entryId.optional(),
  model: z.string().max(100).optional(),
  tokens: z.strictObject({ input: tokenCount, output: tokenCount }).optional(),
  /** What the turn's calls cost, nano-dollars. */
  cost: nanoUsdText.optional(),
  /** Rules or play money instead of a model and dollars: said in every such entry. */
  simulated: z.boolean().optional(),
}
const round = z.number().int().min(1).max(100)
export const reviewPhase = z.enum(['findings', 'discussion', 'proposal', 'vote'])
export type ReviewPhase = z.infer<typeof reviewPhase>
const hash = z.string().regex(/^[0-9a-f]{64}$/)
/** `<entry id>#<index>` of a finding. */
const findingRef = z.string().regex(/^[A-Za-z0-9_-]{8,64}#\d{1,4}$/)
export const outcome = z.enum(['approved', 'changes_requested'])
const refs = z.array(findingRef).max(500)

/** Terms of a review, fixed by whoever opens it. */
export const reviewTerms = z.strictObject({
  change: z.strictObject({
    /** Content hash of the change set. */
    blob: hash,
    bytes: z.number().int().min(1),
    repository: z.string().max(255),
    base: z.string().max(128),
    head: z.string().max(128),
    title: z.string().max(500),
    files: z.number().int().min(0),
  }),
  /** One seat per required role, in the order in which they propose. */
  seats: z
    .array(z.strictObject({ role: roleName, agent: agentId }))
    .min(1)
    .max(16),
  rounds: round,
  /** After so long without its turn's entry, a seat counts as absent. */
  seatTimeoutMs: z.number().int().min(1_000).max(86_400_000),
})
export type ReviewTerms = z.infer<typeof reviewTerms>

/** A thread's own cap, split once among the accounts that will spend it. Sum of shares <= amount. */
const threadCap = z.strictObject({
  amount: nanoUsdText,
  shares: z.array(z.strictObject({ account, amount: nanoUsdText })).max(64),
})
export type ThreadCap = z.infer<typeof threadCap>

const open = z.strictObject({
  ...base,
  type: z.literal('open'),
  topic: z.string().min(1).max(500),
  project: z.string().min(1).max(128),
  review: reviewTerms.optional(),
  cap: threadCap.optional(),
})
const join = z.strictObject({ ...base, type: z.literal('join'), agent: agentId, role: roleName })
const message = z.strictObject({
  ...base,
  type: z.literal('message'),
  turn: turnId.optional(),
  round: round.optional(),
})
const findingEntry = z.strictObject({
  ...base,
  type: z.literal('finding'),
  turn: turnId,
  findings: z.array(finding).max(500),
  /** What was read and what was not, and why. */
  coverage: z
    .array(
      z.strictObject({ file: z.string().max(4096), reviewed: z.boolean(), reason: z.string().max(200).optional() }),
    )
    .max(2_000),
})
const proposal = z.strictObject({
  ...base,
  type: z.literal('proposal'),
  turn: turnId,
  round,
  outcome,
  /** Findings that must be mended before approval. */
  blocking: refs,
})
const vote = z.strictObject({
  ...base,
  type: z.literal('vote'),
  turn: turnId.optional(),
  round,
  /** Hash of the proposal that this vote is about. */
  proposal: hash,
  choice: z.enum(['approve', 'reject', 'abstain']),
  blockers: refs,
})
const verdict = z.strictObject({
  ...base,
  type: z.literal('verdict'),
  outcome: z.enum(['approved', 'changes_requested', 'escalated']),
  round,
  proposal: hash.nullable(),
  /** Heads of the thread from which the verdict was read. */
  heads: z.array(hash).max(MAX_NAMED_HEADS),
  /** For `escalated`: e.g. `security absent`, `no consensus after 3 rounds`. */
  reason: z.string().max(500).optional(),
})
const timeout = z.strictObject({
  ...base,
  type: z.literal('timeout'),
  phase: reviewPhase,
  round,
  /** Seats whose entry did not come. */
  absent: z.array(agentId).min(1).max(16),
})
const task = z.strictObject({
  ...base,
  type: z.literal('task'),
  title: z.string().max(500),
  state: z.enum(['open', 'active', 'done', 'failed']),
})
const escalation = z.strictObject({
  ...base,
  type: z.literal('escalation'),
  reason: z.string().max(500),
  state: z.enum(['pending', 'acked', 'resolved']),
})
/** Facts about a turn that are not its result: a pause and its reason, a resumed turn, an unavailable seat. */
const note = z.strictObject({
  ...base,
  type: z.literal('note'),
  code: z.enum(['paused', 'resumed', 'unavailable', 'provider-error', 'info']),
  turn: turnId.optional(),
})
/** The thread is out of the way until somebody writes to it again. */
const archive = z.strictObject({ ...base, type: z.literal('archive') })
/** The first that a peer says in a later part of a long thread: where it goes on from. Said again when that has grown. */
const continuation = z.strictObject({
  ...base,
  type: z.literal('continue'),
  /** The thread, by the id of its first part. */
  of: threadId,
  part: z.number().int().min(1).max(MAX_PART),
  /** Of the parts before, as far as the peer knew them and nobody had named them; the first of them when there are more. */
  heads: z.array(hash).min(1).max(MAX_NAMED_HEADS),
})
const known = z.discriminatedUnion('type', [
  open,
  join,
  message,
  findingEntry,
  proposal,
  vote,
  verdict,
  timeout,
  task,
  escalation,
  note,
  archive,
  continuation,
])
const extension = z.object({ ...base, type: z.string().regex(/^x-[a-z0-9-]{1,62}$/) }).catchall(z.json())

export const entry = z.union([known, extension])
export type KnownEntry = z.infer<typeof known>
export type ExtensionEntry = z.infer<typeof extension>
export type Entry = KnownEntry | ExtensionEntry
export type EntryOf<T extends KnownEntry['type']> = Extract<KnownEntry, { type: T }>

export function isKnown(value: Entry): value is KnownEntry {
  return !value.type.startsWith('x-')
}

export function isType<T extends KnownEntry['type']>(value: Entry, type: T): value is EntryOf<T> {
  return value.type === type
}

/** The id of a peer's first `continue` entry in a part. */
export function continueId(part: number): string {
  return `continue-${part}`
}

/**
 * What a laptop that speaks through a node may say: words, votes and notes of a person, and extensions. Nothing that
 * belongs to a turn, and no figures of a model or its costs.
 */
export function isLaptopEntry(value: Entry): boolean {
  const { author: by, type } = value
  const figures = [value.model, value.tokens, value.cost, value.simulated]
  if (!by.startsWith('human:') || figures.some((figure) => figure !== undefined)) return false
  if (!isKnown(value)) return true
  if ('turn' in value && value.turn !== undefined) return false
  return type === 'message' || type === 'vote' || (value.type === 'note' && value.code === 'info')
}

/** What votes are bound to: a proposal with other words, findings or outcome has another hash. */
export function proposalHash(value: EntryOf<'proposal'>): string {
  const fields = [value.turn, value.author, String(value.round), value.outcome, ...value.blocking, value.content]
  return Buffer.from(sha256('bzzz/proposal/1\0', JSON.stringify(fields))).toString('hex')
}
