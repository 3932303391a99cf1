import { z } from 'zod'

/** Stable codes of the HTTP API, each with its status and title: programs branch on the code, people read the detail. */
const problemKinds = {
  REQUEST_INVALID: { status: 400, title: 'The request is not valid' },
  TOKEN_REQUIRED: { status: 401, title: 'A token is required' },
  HOST_REFUSED: { status: 403, title: 'This host name is refused' },
  ORIGIN_REFUSED: { status: 403, title: 'This origin is refused' },
  ROUTE_UNKNOWN: { status: 404, title: 'There is no such route' },
  THREAD_UNKNOWN: { status: 404, title: 'There is no such conversation here' },
  AGENT_UNKNOWN: { status: 404, title: 'There is no such agent' },
  TOKEN_UNKNOWN: { status: 404, title: 'There is no such token' },
  REVIEW_UNKNOWN: { status: 404, title: 'There is no such review here' },
  BUDGET_UNKNOWN: { status: 404, title: 'There is no such call or turn here' },
  INVITE_UNKNOWN: { status: 404, title: 'There is no such invitation' },
  PROPOSAL_UNKNOWN: { status: 409, title: 'There is no such proposal to vote on' },
  CHANGE_REFUSED: { status: 409, title: 'The manifest is not changed so' },
  NODE_UNKNOWN: { status: 404, title: 'There is no such member' },
  INVITE_REFUSED: { status: 409, title: 'Such an invitation is not made' },
  OWNER_KEY_MISSING: { status: 409, title: 'This node does not hold the owner key' },
  IDEMPOTENCY_KEY_REUSED: { status: 409, title: 'This idempotency key stands for another request' },
  ROLES_MISSING: { status: 409, title: 'No agent takes a required role' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  ENTRY_TOO_LARGE: { status: 413, title: 'The entry is too large' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, title: 'The body must be JSON' },
  TOO_MANY_FAULTS: { status: 429, title: 'The token is refused for a while' },
  INTERNAL: { status: 500, title: 'The node failed' },
  BUSY: { status: 503, title: 'The node has too much to write' },
  STATE_UNAVAILABLE: { status: 503, title: 'The node takes no writes now' },
  THREADS_EXHAUSTED: { status: 503, title: 'The node holds as many conversations as it can' },
  STREAMS_EXHAUSTED: { status: 503, title: 'Too many event streams are open' },
  SOCKETS_EXHAUSTED: { status: 503, title: 'Too many laptops are connected' },
  TOKENS_EXHAUSTED: { status: 503, title: 'There are as many tokens as there can be' },
  CLOSING: { status: 503, title: 'The node is closing' },
} as const satisfies Record<string, { status: number; title: string }>
export type ProblemCode = keyof typeof problemKinds

/** RFC 9457 problem details, sent as `application/problem+json`. */
export const problem = z.strictObject({
  /** `urn:bzzz:problem:` and the code in lower case with dashes. */
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(Object.keys(problemKinds) as [ProblemCode, ...ProblemCode[]]),
  /** What happened and what to do about it. */
  detail: z.string(),
  /** For REQUEST_INVALID: where the request is wrong. */
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
})
export type Problem = z.infer<typeof problem>

export function problemOf(code: ProblemCode, detail: string, errors?: Problem['errors']): Problem {
  const type = `urn:bzzz:problem:${code.toLowerCase().replaceAll('_', '-')}`
  return { type, ...problemKinds[code], code, detail, ...(errors === undefined ? {} : { errors }) }
}
