import type { Account, NanoUsd, Period, Rights } from '@bzzz/protocols'

export type { AskedNeed, Granting, GrantRefusalCode, GrantRequest, Rights } from '@bzzz/protocols'
export { MAX_NEEDS } from '@bzzz/protocols'

/** What lacks in one period. */
export interface Need {
  readonly period: Period
  /** Without so much, the oldest waiting call cannot go on. */
  readonly least: NanoUsd
  /** With so much, all waiting calls could, and some of what comes next. Never below `least`. */
  readonly want: NanoUsd
}

export type CreditRefusalCode =
  /** Too large, or not a grant at all. */
  | 'malformed'
  /** Not signed by its donor in this mesh. */
  | 'forged'
  | 'not-a-member'
  /** For another account. */
  | 'not-ours'
  /** For an opening that is not in this ledger. */
  | 'wrong-boot'
  /** Neither open nor one that the clock may charge now. */
  | 'wrong-period'
  /** A thread that this node has not opened; may be sent again when it has. */
  | 'not-open'
  | 'closed'
  | 'forked'
  /** This node's own ledger may not go on. */
  | 'outrun'
  /** Credited before. */
  | 'replayed'
  /** A later grant of the same donor was credited before. */
  | 'older'
  /** Its number and its amount do not grow together with those of the one credited before. */
  | 'contradictory'
  /** With it, the account would hold more than the limit of the whole mesh. */
  | 'beyond-limit'
  | 'clock'
  | 'too-many'

/** What became of a grant that came in. Nothing changes when it is refused. */
export type Crediting =
  | { readonly status: 'credited'; readonly period: Period; readonly from: Account; readonly amount: NanoUsd }
  | { readonly status: 'refused'; readonly code: CreditRefusalCode; readonly reason: string }

/** What a node could give, as it tells the others. */
export interface Hint {
  readonly account: Account
  readonly spare: readonly Rights[]
}
