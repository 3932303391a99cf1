import type { Call, CallState, WordTaken } from '@bzzz/budget'
import {
  type CallId,
  type NanoUsd,
  nanoOfUsd,
  type SettlementsAnswer,
  type SettlementView,
  type UncertainAnswer,
  usdOf,
} from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'
import { isoTime } from './names.ts'

/** So many are read from disk for one answer. */
const MAX_SHOWN = 2_000

export async function uncertainView({ node, budget }: DoorPorts): Promise<UncertainAnswer> {
  const found = await budget.uncertainCalls(MAX_SHOWN + 1)
  const calls = found.slice(0, MAX_SHOWN).toSorted((a, b) => a.reservedMs - b.reservedMs)
  return {
    node_id: node.label,
    calls: calls.map(uncertainCallView),
    held_usd: usdOf(calls.reduce((sum, { max }) => sum + max, 0n)),
    more: found.length > MAX_SHOWN,
  }
}

/** What is held for them, in nano-dollars. */
export async function uncertainSumOf(
  budget: Pick<DoorPorts['budget'], 'uncertainCalls'>,
): Promise<{ readonly calls: number; readonly held: bigint; readonly more: boolean }> {
  const found = await budget.uncertainCalls(MAX_SHOWN + 1)
  const calls = found.slice(0, MAX_SHOWN)
  return { calls: calls.length, held: calls.reduce((sum, { max }) => sum + max, 0n), more: found.length > MAX_SHOWN }
}

function uncertainCallView(call: CallState): UncertainAnswer['calls'][number] {
  const { id, turn, thread, agent, model, max, reservedMs, providerRequestId, simulated } = call
  return {
    ...{ call: id, turn, thread, agent, model, held_usd: usdOf(max) },
    ...{ reserved_at: isoTime(reservedMs), provider_request_id: providerRequestId, simulated },
  }
}

export interface Word {
  readonly call: CallId
  readonly cost_usd: number | string
}

/** Each is booked by itself: a refused one keeps no other from being settled. */
export async function settleByWord({ budget }: DoorPorts, words: readonly Word[]): Promise<SettlementsAnswer> {
  const taken = await Promise.all(
    words.map(async ({ call, cost_usd }) => {
      const amount = amountOf(cost_usd)
      return { call, amount, word: await budget.settleByWord(call, amount) }
    }),
  )
  const count = (status: WordTaken['status']) => taken.filter(({ word }) => word.status === status).length
  const settled = taken.filter(({ word }) => word.status === 'settled')
  return {
    results: taken.map(({ call, amount, word }) => settlementView(call, amount, word)),
    settled: settled.length,
    repeated: count('repeated'),
    refused: count('refused'),
    held_usd: usdOf(settled.reduce((sum, { word }) => sum + (word.status === 'settled' ? word.call.max : 0n), 0n)),
    cost_usd: usdOf(settled.reduce((sum, { amount }) => sum + amount, 0n)),
  }
}

function settlementView(call: CallId, amount: NanoUsd, word: WordTaken): SettlementView {
  const { status } = word
  const before = word.call === undefined ? null : usdOf(chargedFor(word.call))
  const refusal = word.status === 'refused' ? word : { code: null, reason: null }
  return { call, status, code: refusal.code, reason: refusal.reason, cost_usd: usdOf(amount), before_usd: before }
}

function chargedFor({ state, actual, max }: Call): bigint {
  return state === 'released' ? 0n : (actual ?? max)
}

function amountOf(cost: number | string): NanoUsd {
  if (typeof cost === 'number') return nanoOfUsd(cost)
  const [whole = '0', fraction = ''] = cost.split('.')
  return BigInt(whole + fraction.padEnd(9, '0')) as NanoUsd
}
