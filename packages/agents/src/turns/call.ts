import { type AgentId, type CallId, callIdOf, type ReviewPhase, type ThreadId, type TurnId } from '@bzzz/protocols'
import { type Completion, ModelError, type ModelQuestion, type ModelRequest } from '../model/model.ts'
import { retryDelayMs } from './backoff.ts'
import { type Hold, holdFor, NOTHING_USED, slept, type Waiting } from './hold.ts'
import { createLiveText, type LiveText } from './live-text.ts'
import type { CallState, TurnTools } from './ports.ts'

/** One question of a turn to the model, and how its reply is read. */
export interface Call<T> {
  readonly thread: ThreadId
  readonly turn: TurnId
  readonly agent: AgentId
  readonly phase: ReviewPhase
  readonly round: number
  /** Which call of the turn, from 0. */
  readonly step: number
  readonly question: ModelQuestion
  /** Names what the reply is about. A reply that an earlier run paid for is used only under the same name. */
  readonly about: string
  /** @throws {ModelError} BAD_REPLY */
  readonly read: (reply: string) => T
  /** Told when money was held, before the request leaves. */
  readonly admitted: () => Promise<void>
  /** Its `stillDue` is asked before each attempt, since a long turn may outlive its review. A reply already paid for is used regardless. */
  readonly waiting: Waiting
}

export type CallResult<T> =
  | { readonly status: 'answered'; readonly reply: T }
  | { readonly status: 'paused'; readonly by: string; readonly reason: string }
  | { readonly status: 'failed'; readonly error: ModelError }
  | { readonly status: 'stopped' }

/**
 * Asks until there is a usable reply: reserve, request, settle for each attempt. A reply that an earlier run paid
 * for is not asked for again; an attempt that a crash left without an answer is followed by at least one new one.
 */
export async function makeCall<T>(call: Call<T>, tools: TurnTools): Promise<CallResult<T>> {
  const earlier = await tools.budget.callsOf(call.turn, call.step)
  const kept = earlier.map((state) => keptReply(call, state)).find((reply) => reply !== undefined)
  if (kept !== undefined) return { status: 'answered', reply: kept.reply }
  let left = attemptsAfter(earlier, tools.limits.attempts)
  let reforms = MAX_REFORMS
  let error = new ModelError('UNAVAILABLE', 'the attempts of earlier runs are used up', { billed: 'unknown' })
  while (left > 0 && reforms > 0) {
    if (tools.stopping.aborted || !(await call.waiting.stillDue())) return { status: 'stopped' }
    const result = await attempt(call, tools)
    if (result.status !== 'failed') return result
    error = result.error
    if (error.code === 'INVALID_REQUEST') reforms--
    else left--
    const delayMs = retryDelayMs(error, tools.limits.attempts - left, result.id)
    if (!error.retryable || delayMs === undefined) break
    if (left > 0 && !(await slept(delayMs, { sleep: tools.sleep, signal: tools.stopping })))
      return { status: 'stopped' }
  }
  return tools.abort.aborted ? { status: 'stopped' } : { status: 'failed', error }
}

/** Requests refused for their form, each followed by one in another form, do not count as attempts: they cost nothing. */
const MAX_REFORMS = 6

type AttemptResult<T> =
  | Exclude<CallResult<T>, { status: 'failed' }>
  | { status: 'failed'; error: ModelError; id: CallId }

async function attempt<T>(call: Call<T>, tools: TurnTools): Promise<AttemptResult<T>> {
  const { turn, step, thread } = call
  const number = ((await tools.budget.callsOf(turn, step)).at(-1)?.attempt ?? -1) + 1
  const id = callIdOf(turn, step, number)
  const request = { ...call.question, callId: id }
  const hold = await holdFor(
    {
      turn,
      step,
      attempt: number,
      thread,
      agent: tools.agent.name,
      model: request.model,
      inputTokens: tools.provider.bound(request),
      outputTokens: request.maxOutputTokens,
      send: true,
    },
    call.waiting,
    tools,
  )
  if (hold.status !== 'reserved') return withoutHold(call, hold)
  await call.admitted()
  return await send(call, number, request, tools)
}

function withoutHold<T>(call: Call<T>, hold: Exclude<Hold, { status: 'reserved' }>): AttemptResult<T> {
  if (hold.status === 'stopped') return hold
  if (hold.status === 'refused') return { status: 'paused', by: hold.by, reason: hold.reason }
  const kept = keptReply(call, hold.call)
  if (kept !== undefined) return { status: 'answered', reply: kept.reply }
  const error = new ModelError('UNAVAILABLE', 'another run of this node began this call', { billed: 'unknown' })
  return { status: 'failed', error, id: hold.call.id }
}

/** From here on the money is held and the request may have left: every way out ends the hold or leaves it uncertain. */
async function send<T>(
  call: Call<T>,
  number: number,
  request: ModelRequest,
  tools: TurnTools,
): Promise<AttemptResult<T>> {
  const id = request.callId
  const begunMs = tools.now()
  const names: string[] = []
  const named = (providerRequestId: string): void => void names.push(providerRequestId)
  const outcome = await complete(request, { live: liveTextOf(call, number, tools), named }, tools)
  const error = outcome instanceof ModelError ? outcome : null
  await (outcome instanceof ModelError
    ? endFailed(id, outcome, names.at(-1) ?? null, tools)
    : endAnswered(call, id, outcome, tools))
  tools.observe({
    type: 'call-ended',
    call: id,
    turn: call.turn,
    agent: tools.agent.name,
    model: request.model,
    ms: tools.now() - begunMs,
    error: error?.code ?? null,
    usage: outcome.usage,
    unclear: outcome.unclear ?? null,
  })
  if (outcome instanceof ModelError) return { status: 'failed', error: outcome, id }
  try {
    return { status: 'answered', reply: call.read(outcome.reply) }
  } catch (bad) {
    if (!(bad instanceof ModelError)) throw bad
    return { status: 'failed', error: bad, id }
  }
}

/** A provider's failure is a value here; anything else that it throws is a defect, and counts as if it had been billed. */
async function complete(
  request: ModelRequest,
  { live, named }: { live: LiveText; named: (providerRequestId: string) => void },
  tools: TurnTools,
): Promise<Completion | ModelError> {
  const late = new AbortController()
  const done = new AbortController()
  const timer = tools.sleep(tools.limits.callTimeoutMs, done.signal).then(
    () => late.abort(),
    () => undefined, // the call ended first
  )
  try {
    const signal = AbortSignal.any([tools.abort, late.signal])
    return await tools.provider.complete(request, { signal, onToken: live.add, onNamed: named })
  } catch (thrown) {
    if (late.signal.aborted) return timedOut(tools.limits.callTimeoutMs, thrown)
    if (thrown instanceof ModelError) return thrown
    return new ModelError('BAD_REPLY', `the provider failed: ${thrown}`, {
      billed: 'unknown',
      retryable: false,
      cause: thrown,
    })
  } finally {
    live.end()
    done.abort()
    await timer
  }
}

function liveTextOf<T>(call: Call<T>, attempt: number, tools: TurnTools): LiveText {
  const { thread, agent, phase, round, step } = call
  return createLiveText({ thread, agent, phase, round, step, attempt }, tools)
}

function timedOut(ms: number, cause: unknown): ModelError {
  const usage = cause instanceof ModelError ? cause.usage : null
  return new ModelError(
    'TIMEOUT',
    `no whole reply of the model within ${ms / 1000} s: raise BZZZ_MODEL_TIMEOUT, or take a faster model`,
    { billed: 'unknown', usage, cause },
  )
}

async function endAnswered<T>(call: Call<T>, id: CallId, completion: Completion, tools: TurnTools): Promise<void> {
  const { usage, unclear = null, reply, providerRequestId } = completion
  await tools.budget.settle(id, { usage, unclear, reply: `${call.about}\n${reply}`, providerRequestId })
}

async function endFailed(
  id: CallId,
  error: ModelError,
  providerRequestId: string | null,
  tools: TurnTools,
): Promise<void> {
  const usage = error.usage ?? (error.billed === 'no' ? NOTHING_USED : null)
  const vague = error.unclear === null ? '' : ` (its usage is unclear: ${error.unclear})`
  const reason = `${error.code}: ${error.message}${vague}`.slice(0, 500)
  if (usage === null) await tools.budget.lose(id, reason, providerRequestId)
  else await tools.budget.settle(id, { usage, reply: '', providerRequestId })
}

function keptReply<T>(call: Call<T>, { state, reply }: CallState): { reply: T } | undefined {
  const head = `${call.about}\n`
  if (state !== 'settled' || reply?.startsWith(head) !== true) return undefined
  try {
    return { reply: call.read(reply.slice(head.length)) }
  } catch (bad) {
    if (bad instanceof ModelError) return undefined
    throw bad
  }
}

/** Attempts of earlier runs count when they may have cost something; the last of them may have been a crash. */
function attemptsAfter(earlier: readonly CallState[], attempts: number): number {
  const costly = earlier.filter(({ state, actual }) => state === 'uncertain' || (actual !== null && actual > 0n)).length
  const crashed = earlier.at(-1)?.state === 'uncertain'
  return Math.max(attempts - costly, crashed && costly === attempts ? 1 : 0)
}
