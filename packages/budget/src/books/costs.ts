import type { NanoUsd, Period, ThreadId } from '@bzzz/protocols'
import type { Call } from '../calls/call.ts'
import { invariant } from '../errors.ts'
import { NO_USD, nanoUsdOf } from '../usd.ts'

/** What one agent spent on one model in one thread on one day. */
export interface CostRow {
  readonly day: Period
  readonly agent: string
  readonly thread: ThreadId | null
  readonly model: string
  /** Play money. */
  readonly simulated: boolean
  /** Calls that were not released. */
  readonly calls: number
  readonly spent: NanoUsd
  /** The part of `spent` that is whole holds, charged because the provider did not plainly say what was used. */
  readonly unproven: NanoUsd
  readonly held: NanoUsd
  readonly inputTokens: number
  readonly outputTokens: number
}

/** The model comes last: it is the only part that may hold a slash. */
export function costKey({
  periods,
  agent,
  thread,
  model,
  simulated,
}: Pick<Call, 'periods' | 'agent' | 'thread' | 'model' | 'simulated'>): string {
  return [dayOf(periods), agent, thread ?? '-', simulated ? 'play' : 'real', model].join('/')
}

export function costAfter(row: CostRow | undefined, before: Call | undefined, after: Call): CostRow {
  const { day, agent, thread, model, simulated, calls, spent, unproven, held, inputTokens, outputTokens } =
    row ?? emptyRow(after)
  const [was, is] = [before === undefined ? NOTHING : partOf(before), partOf(after)]
  return {
    ...{ day, agent, thread, model, simulated },
    calls: calls - was.calls + is.calls,
    spent: nanoUsdOf(spent - was.spent + is.spent),
    unproven: nanoUsdOf(unproven - was.unproven + is.unproven),
    held: nanoUsdOf(held - was.held + is.held),
    inputTokens: inputTokens - was.inputTokens + is.inputTokens,
    outputTokens: outputTokens - was.outputTokens + is.outputTokens,
  }
}

type Part = Pick<CostRow, 'calls' | 'spent' | 'unproven' | 'held' | 'inputTokens' | 'outputTokens'>
const NOTHING: Part = { calls: 0, spent: NO_USD, unproven: NO_USD, held: NO_USD, inputTokens: 0, outputTokens: 0 }

function partOf({ state, max, actual, usage, evidence }: Call): Part {
  if (state === 'released') return NOTHING
  if (state !== 'settled') return { ...NOTHING, calls: 1, held: max }
  const spent = actual ?? max
  return {
    calls: 1,
    spent,
    unproven: evidence === 'none' || evidence === 'unclear' ? spent : NO_USD,
    held: NO_USD,
    inputTokens: usage?.input ?? 0,
    outputTokens: usage?.output ?? 0,
  }
}

function emptyRow({ periods, agent, thread, model, simulated }: Call): CostRow {
  return { day: dayOf(periods), agent, thread, model, simulated, ...NOTHING }
}

function dayOf(periods: readonly Period[]): Period {
  const [day] = periods
  invariant(13, day?.startsWith('d:') === true, 'the first period of a call is its day')
  return day
}
