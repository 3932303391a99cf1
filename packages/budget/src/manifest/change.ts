import type { Account, Dimension, Member, NanoUsd, OpenedManifest, PeerId, Period } from '@bzzz/protocols'

/** What the owner may change. */
export type ManifestChange =
  /** `account` of a node's ledger: it gets its part as soon as the others' acks allow; null for a laptop. */
  | { readonly kind: 'add-member'; readonly member: Member; readonly account: Account | null }
  /** `left`: it showed its closed slot; `attested`: by the operator's word. */
  | { readonly kind: 'remove-member'; readonly peer: PeerId; readonly how: 'left' | 'attested' }
  /** A member's new ledger in place of its old one, which the operator attests to be gone. */
  | { readonly kind: 'adopt'; readonly account: Account }
  /** Of the mesh, from the running period on. Raised: what it is more by is minted for the running period. */
  | { readonly kind: 'limit'; readonly dim: Dimension; readonly amount: NanoUsd }
  /** The running period's limit raised by a sum that this account gets: for a machine to whom nobody can grant. */
  | { readonly kind: 'reissue'; readonly dim: Dimension; readonly by: NanoUsd; readonly account: Account }
  /** Allotments move towards their weights as far as acks allow by now. */
  | { readonly kind: 'advance' }
  /** One version in place of all that forked. */
  | { readonly kind: 'heal' }
  /** The owner's key came back from a backup: first of all, with the accounts that the operator attests to be gone. */
  | { readonly kind: 'restore'; readonly gone: readonly Account[] }

export type ChangeRefusal =
  /** An account acknowledged a version that this chain does not have: the chain is an old copy. */
  | 'behind'
  /** Two versions have one number: heal first. */
  | 'forked'
  | 'not-forked'
  /** Before a restore, until every account is heard of; after it, until all acknowledged it; or are attested to be gone. */
  | 'restoring'
  /** It would let more be spent than the limit. */
  | 'over-limit'
  | 'known-member'
  | 'not-a-member'
  /** Of an account that is attested gone, or not that of a node. */
  | 'wrong-account'
  /** Nobody would be left who may spend. */
  | 'last-account'
  /** There is no limit of this kind. */
  | 'no-limit'
  /** It does not fit into a manifest. */
  | 'bad-shape'

export type SignedChange =
  | { readonly status: 'signed'; readonly next: OpenedManifest }
  /** The newest version says it already, or nothing can be moved yet. */
  | { readonly status: 'unchanged' }
  | { readonly status: 'refused'; readonly code: ChangeRefusal; readonly reason: string }

/** What becomes of one period. */
export interface PeriodSum {
  readonly period: Period
  /** By the newest version. */
  readonly limit: bigint
  /** All that accounts opened it with, or still may, and all mints. */
  readonly believed: bigint
  /** Accounts that may still open it with more than the newest version gives them, until their ack is there. */
  readonly waitingFor: readonly Account[]
  /** What `believed` is above the limit. */
  readonly mayExceedBy: bigint
}
