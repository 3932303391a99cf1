import type { CallId, NanoUsd, Period, ThreadId, TokenUsage, TurnId } from '@bzzz/protocols'
import type { CallState } from './call.ts'

/** A call that asks to be admitted. */
export interface ReserveRequest {
  readonly turn: TurnId
  /** Which call of the turn, from 0. */
  readonly step: number
  /** Which try of the step, from 0. */
  readonly attempt: number
  readonly thread: ThreadId | null
  /** Name of the agent at this node. */
  readonly agent: string
  readonly model: string
  /** Upper bound of the prompt's tokens. */
  readonly inputTokens: number
  /** The limit on generated tokens that is sent with the request, reasoning included. */
  readonly outputTokens: number
  /**
   * The request leaves as soon as it is admitted: it counts as sent in the same write, which spares one. Such a call is
   * never released.
   */
  readonly send?: boolean
}

export type Reservation =
  | { readonly status: 'reserved'; readonly call: CallId; readonly max: NanoUsd }
  /** It was reserved before, perhaps in an earlier run: sending is forbidden. */
  | { readonly status: 'known'; readonly call: CallState }
  | Refusal

export type RefusedBy =
  | 'day'
  | 'month'
  | 'agent-day'
  | 'thread'
  | 'local-cap'
  | 'unpriced'
  | 'frozen-model'
  | 'no-rights'
  /** The owner has attested that this account is gone. */
  | 'closed'
  /** This account is proven to be in use twice. */
  | 'forked'
  /** This account has signed what its ledger does not hold. */
  | 'outrun'

/** Nothing was charged. */
export interface Refusal {
  readonly status: 'refused'
  readonly by: RefusedBy
  /** The one that is too small; null when it is not about a period. */
  readonly period: Period | null
  /** A sentence with figures, and what to do. */
  readonly reason: string
  /** The call's highest cost. */
  readonly needed: NanoUsd
  /** This node's rights in the period; never more than a local cap. */
  readonly limit: NanoUsd
  readonly spent: NanoUsd
  readonly held: NanoUsd
  readonly available: NanoUsd
  /** What others could give so that it fits; empty when that would not help. */
  readonly lacks: readonly Lack[]
}

export interface Lack {
  readonly period: Period
  readonly amount: NanoUsd
}

/** The provider's answer to one call. */
export interface CallOutcome {
  /** Null when the provider did not say, or nothing that can be believed: the whole hold is charged. */
  readonly usage: TokenUsage | null
  /** Why what the provider said is no evidence; absent or null when it is, or when nothing came. */
  readonly unclear?: string | null
  readonly reply: string
  readonly providerRequestId: string | null
}
