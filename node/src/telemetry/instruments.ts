import type { Registry } from 'prom-client'
import type { Log } from './log.ts'

/** Where a room's facts go. */
export interface Instruments {
  readonly registry: Registry
  readonly log: Log
}

/** One handler per kind of fact: a new fact without one does not compile. */
export type FactHandlers<F extends Tagged<Tag>, Tag extends string = 'type'> = {
  readonly [T in F[Tag]]: (fact: Extract<F, Tagged<Tag, T>>) => void
}
type Tagged<Tag extends string, T extends string = string> = { readonly [K in Tag]: T }

/** @param tag the member that tells facts apart */
export function dispatch<F extends Tagged<Tag>, Tag extends string>(
  tag: Tag,
  handlers: FactHandlers<F, Tag>,
): (fact: F) => void {
  return (fact) => {
    // The key picks the handler of this very kind, which the compiler cannot follow.
    const handle = handlers[fact[tag]] as (fact: F) => void
    handle(fact)
  }
}

/** Upper bounds in seconds for what ends with a synced write to disk. */
export const DISK_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
/** Upper bounds in seconds for a model's answer. */
export const MODEL_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320]
