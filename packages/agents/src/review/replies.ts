import { type Finding, severity } from '@bzzz/protocols'
import { z } from 'zod'
import { ModelError } from '../model/model.ts'
import type { ReviewTask } from './task.ts'

/**
 * Shapes of a model's replies. The JSON Schemas are sent as strict structured output, so they keep to what servers take
 * there: every member required, no lengths; bounds are applied where a reply becomes an entry.
 */
const claim = z.strictObject({
  severity,
  file: z.string(),
  line: z.number(),
  rule: z.string(),
  quote: z.string(),
  message: z.string(),
  suggestion: z.string().nullable(),
})
/** Servers without structured output leave out what is null. */
const laxClaim = claim.extend({ suggestion: z.string().nullish() }).strip()

export const findingsReply = z.object({ summary: z.string(), findings: z.array(laxClaim) })
export const discussionReply = z.object({ content: z.string() })
export const proposalReply = z.object({
  outcome: z.enum(['approved', 'changes_requested']),
  blocking: z.array(z.string()),
  content: z.string(),
})
export const voteReply = z.object({
  choice: z.enum(['approve', 'reject', 'abstain']),
  blockers: z.array(z.string()),
  content: z.string(),
})

export interface FindingsReply {
  readonly summary: string
  readonly findings: readonly Omit<Finding, 'verified'>[]
}
export type DiscussionReply = z.infer<typeof discussionReply>
/** `blocking`: refs `<entry>#<index>` of findings. */
export type ProposalReply = z.infer<typeof proposalReply>
export type VoteReply = z.infer<typeof voteReply>
/** A findings reply as it comes, before its bounds are applied. */
export type RawFindings = z.infer<typeof findingsReply>

const SCHEMAS: Record<ReviewTask['phase'], z.ZodType> = {
  findings: findingsReply.extend({ findings: z.array(claim) }),
  discussion: discussionReply,
  proposal: proposalReply,
  vote: voteReply,
}

/** @returns the JSON Schema that a reply in this phase must fit, and its name */
export function replySchema(phase: ReviewTask['phase']): { name: string; json: object } {
  const { $schema: _, ...json } = z.toJSONSchema(SCHEMAS[phase], { io: 'output' })
  return { name: `review_${phase}`, json }
}

// Some local models think aloud before they answer.
const THOUGHTS = /^\s*<think>.*?<\/think>/s

/**
 * Reads a reply. Thoughts before the JSON object, and a code fence around it, are passed over.
 * @throws {ModelError} BAD_REPLY
 */
export function readReply<S extends z.ZodType>(shape: S, reply: string): z.output<S> {
  const answer = reply.replace(THOUGHTS, '')
  const json = answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)
  const parsed = shape.safeParse(parseJson(json))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw badReply(`${issue?.path.join('.') || 'value'}: ${issue?.message}`, parsed.error)
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw badReply('no JSON object', cause)
  }
}

function badReply(why: string, cause: unknown): ModelError {
  const message = `the model's reply is not the JSON that was asked for (${why}): take a model that can write it`
  return new ModelError('BAD_REPLY', message, { billed: 'unknown', cause })
}
