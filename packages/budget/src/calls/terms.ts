import type { Account, Manifest, NanoUsd, Period } from '@bzzz/protocols'
import type { Clock } from '../periods/charged.ts'

/** What admission rests on besides the books. */
export interface Terms {
  readonly account: Account
  /** The newest that the account acknowledged: for initial rights, mints and limits. */
  readonly manifest: Manifest
  /** That this node has taken: for members, accounts that are gone, thresholds and clocks. */
  readonly newest: Manifest
  readonly localCaps: { readonly day?: NanoUsd; readonly month?: NanoUsd }
  readonly clock: Clock
  /** When another clock was last seen to agree with this one. */
  readonly agreedMs: number | undefined
  /** Up to this day the agents' own limits count as used up: a ledger that knew of their calls is gone. */
  readonly agentsUsedUp?: Period | undefined
}
