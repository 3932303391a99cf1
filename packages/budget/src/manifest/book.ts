import type { Account, Ack, OpenedManifest } from '@bzzz/protocols'

/** What the owner of a mesh knows of its manifests: enough to say what every account may still open. Changed only by replacing it. */
export interface SignerBook {
  /** Ascending, from the oldest that counts to the newest; numbers may be skipped. */
  readonly versions: readonly OpenedManifest[]
  /** The newest of each account, by {@link accountKey}. */
  readonly acks: ReadonlyMap<string, Ack>
  /** Signed with the owner's key too, and none of `versions`: accounts may have acknowledged them. */
  readonly forks: readonly OpenedManifest[]
}

/** What becomes of one period. */
export interface PeriodSum {
  readonly period: Ack['opened'][number]['period']
  /** By the newest version. */
  readonly limit: bigint
  /** All that accounts opened it with, or still may, and all mints. */
  readonly believed: bigint
  /** Accounts that may still open it with more than the newest version gives them, until their ack is there. */
  readonly waitingFor: readonly Account[]
  /** What `believed` is above the limit. */
  readonly mayExceedBy: bigint
}
