import type { BudgetFact, BudgetReport } from '@bzzz/budget'
import type { Clockwork } from './clockwork.ts'

/** What a process may not do any more, as its budget told. */
export interface Stops {
  /** Its account may do nothing more. */
  readonly stopped: 'forked' | 'outrun' | undefined
  /** Since so long that no answer can be older. */
  readonly isStopped: boolean
  /** A bill above the bound of a call was booked before. */
  isFrozen(model: string, askedMs: number): boolean
  /** What the ledger knew when it was opened. */
  begin(report: BudgetReport): void
  note(fact: BudgetFact): void
}

const ANSWERED_MS = 300_000

export function createStops(clockwork: Clockwork): Stops {
  const frozen = new Map<string, number>()
  let stopped: { readonly why: 'forked' | 'outrun'; readonly atMs: number } | undefined

  function stop(why: 'forked' | 'outrun'): void {
    stopped ??= { why, atMs: clockwork.nowMs }
  }

  return {
    get stopped() {
      return stopped?.why
    },
    get isStopped() {
      return stopped !== undefined && clockwork.nowMs - stopped.atMs > ANSWERED_MS
    },
    isFrozen: (model, askedMs) => (frozen.get(model) ?? Number.POSITIVE_INFINITY) < askedMs,
    begin({ standstill, frozenModels }) {
      for (const { model } of frozenModels) frozen.set(model, clockwork.nowMs - 1)
      // An older ledger is left as it is opened; one in use twice is not.
      if (standstill?.includes('two things under one number')) stop('forked')
    },
    note(fact) {
      if (fact.type === 'outrun' || (fact.type === 'forked' && fact.own)) stop(fact.type)
      if (fact.type === 'overrun') frozen.set(fact.model, clockwork.nowMs)
    },
  }
}
