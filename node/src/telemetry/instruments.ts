import type { Registry } from 'prom-client'
import type { Log } from './log.ts'
import type { WarnRarely } from './rare-lines.ts'

/** Where a room's facts go. */
export interface Instruments {
  readonly registry: Registry
  readonly log: Log
  readonly warnRarely: WarnRarely
}

/** One handler per type of fact: a new fact without one does not compile. */
export type FactHandlers<F extends { readonly type: string }> = {
  readonly [T in F['type']]: (fact: Extract<F, { readonly type: T }>) => void
}

export function dispatch<F extends { readonly type: string }>(handlers: FactHandlers<F>): (fact: F) => void {
  return (fact) => {
    // The key picks the handler of this very type, which the compiler cannot follow.
    const handle = handlers[fact.type as F['type']] as (fact: F) => void
    handle(fact)
  }
}

/** Upper bounds in seconds for what ends with a synced write to disk. */
export const DISK_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
/** Upper bounds in seconds for a model's answer. */
export const MODEL_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320]
