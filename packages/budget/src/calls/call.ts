import type { CallId, LedgerEvent, NanoUsd, Period, PriceRef, ThreadId, TokenUsage, TurnId } from '@bzzz/protocols'
import { BudgetError } from '../errors.ts'

/**
 * reserved: its highest cost is held. sent: the request may be under way. settled: the cost is known, for good.
 * uncertain: it may have been billed, so the whole hold counts as spent until evidence comes. released: never sent.
 */
export type CallCondition = 'reserved' | 'sent' | 'settled' | 'uncertain' | 'released'

/** One provider request, as the ledger tells it. */
export interface Call {
  readonly id: CallId
  readonly turn: TurnId
  readonly step: number
  readonly attempt: number
  readonly thread: ThreadId | null
  /** Name of the agent at this node. */
  readonly agent: string
  readonly model: string
  readonly state: CallCondition
  /** What is held for it. */
  readonly max: NanoUsd
  /** What it cost; null until settled. */
  readonly actual: NanoUsd | null
  readonly usage: TokenUsage | null
  /** How `actual` is known; null until settled. */
  readonly evidence: EventOf<'settled'>['evidence'] | null
  /** What the provider called the request; null when it never said. */
  readonly providerRequestId: string | null
  readonly priceRef: PriceRef
  readonly reservedMs: number
  /** What it is charged to, fixed when the reservation was written; the first is the day it is listed under. */
  readonly periods: readonly Period[]
  /** Its price is not real money. */
  readonly simulated: boolean
}

/** A call with what it answered. */
export interface CallState extends Call {
  /** Null until settled, and for a reply that was too long to keep. */
  readonly reply: string | null
}

type EventOf<Kind extends LedgerEvent['kind']> = Extract<LedgerEvent, { kind: Kind }>
export type CallEvent = EventOf<'sent' | 'settled' | 'uncertain' | 'released'>

export function reservedCall(event: EventOf<'reserved'>, reservedMs: number): Call {
  const { call: id, turn, step, attempt, thread, agent, max, price, periods } = event
  return {
    ...{
      id,
      turn,
      step,
      attempt,
      thread,
      agent,
      model: price.model,
      state: 'reserved',
      max,
      actual: null,
      usage: null,
      evidence: null,
      providerRequestId: null,
    },
    ...{ priceRef: price, reservedMs, periods, simulated: price.simulated },
  }
}

/**
 * Where each event leads. `sent` comes once, and only to a call that is held; only a call that was never sent is
 * released; final states absorb what comes late.
 */
const NEXT: Readonly<Record<CallCondition, Partial<Record<CallEvent['kind'], CallCondition>>>> = {
  reserved: { sent: 'sent', uncertain: 'uncertain', released: 'released' },
  sent: { settled: 'settled', uncertain: 'uncertain' },
  uncertain: { settled: 'settled', uncertain: 'uncertain' },
  settled: { settled: 'settled', uncertain: 'settled' },
  released: { released: 'released', uncertain: 'released' },
}

/** @returns the same object when the event changes nothing @throws {BudgetError} CALL_STATE when the state forbids it */
export function nextCall(call: Call, event: CallEvent): Call {
  const state = NEXT[call.state][event.kind]
  if (state === undefined) {
    throw new BudgetError('CALL_STATE', `call ${call.id.slice(0, 12)} is ${call.state}; it cannot become ${event.kind}`)
  }
  if (state === call.state) return call
  if (event.kind !== 'settled' && event.kind !== 'uncertain') return { ...call, state }
  const providerRequestId = event.providerRequestId ?? call.providerRequestId
  if (event.kind === 'uncertain') return { ...call, state, providerRequestId }
  return { ...call, state, actual: event.amount, usage: event.usage, evidence: event.evidence, providerRequestId }
}

/** Replies are large: what stays in memory goes without. */
export function withoutReply(state: CallState | undefined): Call | undefined {
  if (state === undefined) return undefined
  const { reply: _, ...call } = state
  return call
}
