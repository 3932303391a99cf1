import { z } from 'zod'
import { MAX_CONTENT_CHARS } from '../entry/entry.ts'
import { personName, postedAnswer } from './conversations.ts'

/** Votes of a review: the seats' decide it, a person's is shown beside them. */
const choice = z.enum(['approve', 'reject', 'abstain'])

export const newVote = z.strictObject({
  choice,
  /** Hash of the proposal that it is about; the newest when it is left out. */
  proposal: z
    .string()
    .regex(/^[0-9a-f]{64}$/, { message: 'not the hash of a proposal (64 hexadecimal digits)' })
    .optional(),
  comment: z.string().max(MAX_CONTENT_CHARS).default(''),
  from: personName,
})
export type NewVote = z.infer<typeof newVote>

/** On disk, synced, when it is answered. */
export const votedAnswer = z.strictObject({
  ...postedAnswer.shape,
  proposal: z.string(),
  round: z.number().int(),
  /** Only the votes of the review's seats decide. */
  counts: z.literal(false),
})
export type VotedAnswer = z.infer<typeof votedAnswer>

export const voteView = z.strictObject({
  id: z.string(),
  author: z.string(),
  /** Label of the author's node. */
  node: z.string(),
  /** Of the seat whose vote it is; null for anybody else's. */
  role: z.string().nullable(),
  round: z.number().int(),
  proposal: z.string(),
  choice,
  blockers: z.array(z.string()),
  content: z.string(),
  ts: z.iso.datetime(),
  /** It is a seat's, and weighs in the decision. */
  counts: z.boolean(),
})
export type VoteView = z.infer<typeof voteView>

/** In the thread's order. */
export const votesAnswer = z.strictObject({
  id: z.string(),
  votes: z.array(voteView),
  /** What may be voted on, round by round. */
  proposals: z.array(
    z.strictObject({
      hash: z.string(),
      round: z.number().int(),
      outcome: z.enum(['approved', 'changes_requested']),
      content: z.string(),
    }),
  ),
})
export type VotesAnswer = z.infer<typeof votesAnswer>
