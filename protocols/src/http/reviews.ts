import { z } from 'zod'
import { roleName } from '../ids/ids.ts'
import { changeSet, severity } from '../review-change/change.ts'
import { askedUsd, usd } from './money.ts'
import { voteView } from './votes.ts'

const time = z.iso.datetime()
const count = z.number().int().min(0)
const outcome = z.enum(['approved', 'changes_requested', 'escalated'])
const phase = z.enum(['findings', 'discussion', 'proposal', 'vote'])

export const reviewRequest = z.strictObject({
  change: changeSet,
  /** One seat each, in the order in which they propose. */
  required: z
    .array(roleName)
    .min(1)
    .max(16)
    .refine((roles) => new Set(roles).size === roles.length, { message: 'name each role once' })
    .default(['architect', 'reviewer', 'security']),
  /** Cap of the whole review; without it only the running limits hold. */
  budget_usd: askedUsd.optional(),
  rounds: z.number().int().min(1).max(100).default(3),
  /** After so long without its entry, a seat counts as absent. */
  seat_timeout_s: z.number().int().min(1).max(86_400).default(900),
  /** Answer with the plan and the highest possible cost; open nothing. */
  dry_run: z.boolean().default(false),
})
export type ReviewRequest = z.infer<typeof reviewRequest>

const termsView = z.strictObject({
  change: z.strictObject({
    repository: z.string(),
    base: z.string(),
    head: z.string(),
    title: z.string(),
    files: count,
    bytes: count,
  }),
  seats: z.array(
    z.strictObject({
      role: z.string(),
      agent: z.string(),
      node_id: z.string(),
      model: z.string(),
      simulated: z.boolean(),
    }),
  ),
  rounds: count,
  seat_timeout_s: z.number(),
  budget_usd: usd.nullable(),
})
export type TermsView = z.infer<typeof termsView>

export const reviewPlan = z.strictObject({
  terms: termsView,
  /** All seats, rounds, steps and attempts at their bounds; the cap or the day's limit where that is lower. */
  highest_cost_usd: usd,
  /** The same without the cap and without the day's limit. */
  bound_usd: usd,
  /** Of the whole mesh: no review costs more in a day. */
  day_limit_usd: usd,
  /** With a smaller cap, seats wait for what other homes do not use of it. */
  least_cap_usd: usd,
  /** Files that no seat can read, and why. */
  omitted: z.array(z.strictObject({ file: z.string(), reason: z.string() })),
})
export type ReviewPlan = z.infer<typeof reviewPlan>

export const reviewOpened = z.strictObject({ thread: z.string(), heads: z.array(z.string()), terms: termsView })
export type ReviewOpened = z.infer<typeof reviewOpened>

const findingView = z.strictObject({
  /** `<entry id>#<index>`: what proposals and votes name. */
  ref: z.string(),
  role: z.string(),
  agent: z.string(),
  severity,
  file: z.string(),
  line: z.number().int(),
  rule: z.string(),
  quote: z.string(),
  message: z.string(),
  suggestion: z.string().nullable(),
  /** A tool found the quoted text at that place. Only verified findings count. */
  verified: z.boolean(),
  /** The newest proposal wants it mended. */
  blocking: z.boolean(),
})
export type FindingView = z.infer<typeof findingView>

export const reviewReport = z.strictObject({
  thread: z.string(),
  heads: z.array(z.string()),
  terms: termsView,
  state: z.enum(['running', ...outcome.options]),
  /** Where a running review stands; null once it is decided. */
  phase: phase.nullable(),
  round: count,
  verdict: z
    .strictObject({
      outcome,
      round: count,
      reason: z.string().nullable(),
      /** Hash of the proposal that was decided. */
      proposal: z.string().nullable(),
      content: z.string(),
      ts: time,
    })
    .nullable(),
  seats: z.array(
    z.strictObject({
      role: z.string(),
      agent: z.string(),
      node_id: z.string(),
      state: z.enum(['done', 'due', 'waiting', 'paused', 'unavailable', 'absent']),
      /** For paused, unavailable and absent. */
      reason: z.string().nullable(),
    }),
  ),
  /** The verified ones first, the most severe first. */
  findings: z.array(findingView),
  /** Votes that were not for their round's proposal as it stands: an approval with blockers is none. */
  dissent: z.array(
    z.strictObject({
      role: z.string(),
      agent: z.string(),
      round: count,
      choice: z.enum(['approve', 'reject', 'abstain']),
      blockers: z.array(z.string()),
      content: z.string(),
    }),
  ),
  /** Votes of people, who have no seat: they are shown, and decide nothing. */
  people: z.array(voteView),
  coverage: z.array(
    z.strictObject({
      /** `*`: every file that has no row of its own. */
      file: z.string(),
      /** Roles that read it. */
      reviewed_by: z.array(z.string()),
      /** Why the first seat that did not read it did not. */
      reason: z.string().nullable(),
    }),
  ),
  /** Of the seats' turns, from their entries: a call that never led to one is in its node's ledger alone. */
  costs: z.strictObject({
    total_usd: usd,
    by_agent: z.array(
      z.strictObject({
        agent: z.string(),
        node_id: z.string(),
        cost_usd: usd,
        input_tokens: count,
        output_tokens: count,
      }),
    ),
    by_node: z.array(z.strictObject({ node_id: z.string(), peer_id: z.string(), cost_usd: usd })),
  }),
  simulated: z.boolean(),
})
export type ReviewReport = z.infer<typeof reviewReport>
