import { formatUsd } from '@bzzz/budget'
import {
  nanoOfUsd,
  type ReviewPlan as PlanView,
  type ReviewOpened,
  type ReviewReport,
  type ReviewRequest,
  reviewOpened,
  reviewPlan,
  reviewReport,
  reviewRequest,
  type ThreadId,
  threadId,
  usdOf,
} from '@bzzz/protocols'
import type { ThreadView } from '@bzzz/threads'
import { z } from 'zod'
import type { Door } from '../door.ts'
import { keptChanges, type ReadChange } from '../kept-changes.ts'
import type { CapTooSmall, DoorPorts, ReviewOrder, RolesMissing } from '../ports.ts'
import { ProblemError } from '../problems.ts'
import { reportView } from '../views/report.ts'
import { omittedFiles, termsView } from '../views/terms.ts'
import { viewOf } from './conversations.ts'
import type { Routes } from './routes.ts'

/** A change set carries the new text of its files. */
const MAX_REVIEW_BYTES = 16 * 1024 * 1024
const params = z.strictObject({ thread: threadId })

export function addReviewRoutes(door: Door, { ports, answers }: Routes): void {
  door.post(
    '/api/reviews',
    {
      config: { access: 'token' },
      bodyLimit: MAX_REVIEW_BYTES,
      schema: { body: reviewRequest, response: { 200: reviewPlan, 201: reviewOpened } },
    },
    async (request, reply) => {
      const order = orderOf(request.body)
      if (request.body.dry_run) return reply.code(200).send(await planReview(ports, order))
      return reply.code(201).send(await answers.once(request, () => openReview(ports, order)))
    },
  )
  const changeOf = keptChanges((hash) => ports.reviews.change(hash))
  door.get('/api/reviews/:thread', { schema: { params, response: { 200: reviewReport } } }, async (request) =>
    reportOf(ports, await viewOf(ports, request.params.thread), changeOf),
  )
}

function orderOf({ change, required, budget_usd, rounds, seat_timeout_s }: ReviewRequest): ReviewOrder {
  const budget = budget_usd === undefined ? null : nanoOfUsd(budget_usd)
  return { change, required, budget, rounds, seatTimeoutMs: seat_timeout_s * 1000 }
}

async function planReview(ports: DoorPorts, order: ReviewOrder): Promise<PlanView> {
  const plan = await ports.reviews.plan(order)
  if (plan.status === 'missing') throw rolesMissing(plan)
  if (plan.status === 'cap-too-small') throw capTooSmall(plan, order)
  const { highest, day, least } = plan
  const most = [highest, day, ...(order.budget === null ? [] : [order.budget])]
  return {
    terms: termsView(ports, plan.terms, order.budget),
    highest_cost_usd: usdOf(most.reduce((lowest, amount) => (amount < lowest ? amount : lowest))),
    bound_usd: usdOf(highest),
    day_limit_usd: usdOf(day),
    least_cap_usd: usdOf(least.eachSeat),
    omitted: omittedFiles(order.change),
  }
}

async function openReview(ports: DoorPorts, order: ReviewOrder): Promise<ReviewOpened> {
  const opening = await ports.reviews.open(order)
  if (opening.status === 'missing') throw rolesMissing(opening)
  if (opening.status === 'cap-too-small') throw capTooSmall(opening, order)
  const { thread, heads } = opening.appended
  return { thread, heads: [...heads], terms: termsView(ports, opening.terms, order.budget) }
}

function rolesMissing({ roles }: RolesMissing): ProblemError {
  const detail = `No live agent takes ${roles.join(', ')}. Start a node that has one, or ask for fewer roles; the list of agents shows who is there.`
  return new ProblemError('ROLES_MISSING', detail)
}

function capTooSmall({ least }: CapTooSmall, { budget }: ReviewOrder): ProblemError {
  const detail = `A cap of ${formatUsd(budget ?? least.anyCall)} holds no call of this review: a single one may cost ${formatUsd(least.anyCall)} or more. The smallest cap with which each seat can make one call is ${formatUsd(least.eachSeat)}.`
  return new ProblemError('REQUEST_INVALID', detail)
}

async function reportOf(ports: DoorPorts, view: ThreadView, changeOf: ReadChange): Promise<ReviewReport> {
  const review = ports.reviews.standing(view)
  if (review === undefined) throw noReview(view.thread)
  return reportView(ports, view, review, await changeOf(review.terms.change.blob))
}

function noReview(thread: ThreadId): ProblemError {
  const detail = `${thread} is a conversation without a review: read it at GET /api/conversations/${thread}.`
  return new ProblemError('REVIEW_UNKNOWN', detail)
}
