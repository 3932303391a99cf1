import type { Weather } from './weather.ts'

/** What is simulated; the same terms give the same run, event by event. */
export interface SimTerms {
  readonly seed: number
  readonly nodes: number
  /** escrow: what is shipped. naive: check the replicated total, call, add. */
  readonly policy: 'escrow' | 'naive'
  /** A rule that is broken on purpose; null: none. */
  readonly mutant: string | null
  /** What the run is mostly about; null: drawn. */
  readonly weather: Weather | null
  /** What all calls together would cost, as a part of the limit. */
  readonly demand: number
  readonly faults: 'none' | 'full'
}
