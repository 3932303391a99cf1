import { type Problem, type ProblemCode, problemOf } from '@bzzz/protocols'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { DoorName, ObserveHttp } from './facts.ts'

/** A refusal that a route answers with; `detail` says what to do about it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem

  constructor(code: ProblemCode, detail: string) {
    super(detail)
    this.problem = problemOf(code, detail)
  }
}

/** Codes of the rooms and of the server that mean something to a caller. */
const CODES: Readonly<Record<string, ProblemCode>> = {
  THREAD_UNKNOWN: 'THREAD_UNKNOWN',
  ENTRY_INVALID: 'REQUEST_INVALID',
  ENTRY_TOO_LARGE: 'ENTRY_TOO_LARGE',
  OWNER_KEY_MISSING: 'OWNER_KEY_MISSING',
  CHANGE_REFUSED: 'CHANGE_REFUSED',
  NODE_UNKNOWN: 'NODE_UNKNOWN',
  LABEL_TAKEN: 'INVITE_REFUSED',
  MESH_FULL: 'INVITE_REFUSED',
  INVITES_EXHAUSTED: 'INVITE_REFUSED',
  CLOSED: 'CLOSING',
  BUSY: 'BUSY',
  FROZEN: 'STATE_UNAVAILABLE',
  LOG_DAMAGED: 'STATE_UNAVAILABLE',
  TOO_MANY_THREADS: 'THREADS_EXHAUSTED',
  BLOB_TOO_LARGE: 'BODY_TOO_LARGE',
  STATE_FROZEN: 'STATE_UNAVAILABLE',
  STATE_CLOSED: 'STATE_UNAVAILABLE',
  STATE_WRITE_FAILED: 'STATE_UNAVAILABLE',
  STATE_BUSY: 'BUSY',
  FST_ERR_BAD_URL: 'REQUEST_INVALID',
  FST_ERR_MAX_PARAM_LENGTH: 'REQUEST_INVALID',
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'REQUEST_INVALID',
  FST_ERR_CTP_INVALID_JSON_BODY: 'REQUEST_INVALID',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'REQUEST_INVALID',
}

/** @returns the problem that an error stands for, or undefined when nobody expected it */
function problemIn(error: unknown): Problem | undefined {
  if (error instanceof ProblemError) return error.problem
  if (hasZodFastifySchemaValidationErrors(error)) return invalidRequest(error)
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const code = CODES[String(error.code)]
  return code === undefined
    ? undefined
    : problemOf(code, `${withoutToken(error.message).replace(/\.$/, '')}.${ADVICE[code] ?? ''}`)
}

/** A message may name the URL. */
function withoutToken(text: string): string {
  return text.replace(/([?&]token=)[^&\s'"]*/g, '$1…')
}

const ADVICE: Partial<Record<ProblemCode, string>> = {
  THREAD_UNKNOWN: ' GET /api/conversations lists those that are here; a new one may still be on its way.',
  STATE_UNAVAILABLE: ' Look at GET /health and the log, free the disk, and start the node again.',
  BUSY: ' Nothing was written: ask again in a moment.',
  BODY_TOO_LARGE: ' A review takes 16 MiB, its change 8 MiB of that; everything else 256 KiB.',
  MEDIA_TYPE_UNSUPPORTED: ' Send JSON with the header Content-Type: application/json.',
}

function invalidRequest(error: Pick<FastifyError, 'validationContext'> & { validation: Issue[] }): Problem {
  const errors = error.validation.map((issue) => ({
    path: `${error.validationContext ?? 'request'}${issue.instancePath === '/' ? '' : issue.instancePath}`,
    message: issue.message ?? 'not valid',
  }))
  const first = errors[0]
  const detail = first === undefined ? 'Correct the request.' : `Correct ${first.path}: ${first.message}.`
  return problemOf('REQUEST_INVALID', detail, errors.slice(0, MAX_ERRORS))
}
type Issue = { readonly instancePath: string; readonly message?: string | undefined }
// A wrong change set can be wrong in ten thousand places; the first few tell enough.
const MAX_ERRORS = 20

/** The one place where errors become answers. */
export function answerErrors(door: DoorName, observe: ObserveHttp) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const known = problemIn(error)
    if (known === undefined) {
      observe({ type: 'failed', door, route: request.routeOptions.url ?? 'unmatched', error })
    } else {
      observe({ type: 'refused', door, code: known.code, detail: known.detail })
    }
    sendProblem(reply, known ?? problemOf('INTERNAL', 'The node failed on this request; its log says why.'))
  }
}

function sendProblem(reply: FastifyReply, problem: Problem): void {
  if (problem.code === 'TOKEN_REQUIRED') void reply.header('www-authenticate', 'Bearer realm="bzzz"')
  // Serialised here, so that no route needs to list every problem among its answers.
  const type = 'application/problem+json; charset=utf-8'
  void reply.code(problem.status).type(type).serializer(JSON.stringify).send(problem)
}
