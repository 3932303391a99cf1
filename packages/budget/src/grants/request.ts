import type { Account, Boot, NanoUsd, Period } from '@bzzz/protocols'

/** Rights in one period. */
export interface Rights {
  readonly period: Period
  readonly amount: NanoUsd
}

/** What an account asks of a donor: everything that it lacks, in all periods at once. */
export interface GrantRequest {
  readonly to: { readonly account: Account; readonly boot: Boot }
  /** Wall clock of the asker when its oldest waiting call began to wait; the older of two goes first. Of now when none waits. */
  readonly sinceMs: number
  /** How fast the asker spends, nano-dollars per second; its own word. */
  readonly perSecond: number
  readonly needs: readonly AskedNeed[]
}

/** What lacks in one period. */
export interface Need {
  readonly period: Period
  /** Without so much, the oldest waiting call cannot go on. */
  readonly least: NanoUsd
  /** With so much, all waiting calls could, and some of what comes next. Never below `least`. */
  readonly want: NanoUsd
}

export interface AskedNeed extends Need {
  /** All that the asker's present opening credited from this donor so far: what is missing was lost on the way. */
  readonly credited: NanoUsd
}

/** Most periods of a request: a call has at most two days, two months and a thread. */
export const MAX_NEEDS = 16

export type GrantRefusalCode =
  /** Too many periods, one named twice, or one that is not shared. */
  | 'bad-request'
  /** Not a node of this mesh. */
  | 'not-a-member'
  /** The asker is the donor. */
  | 'own'
  | 'closed'
  | 'forked'
  /** This node's own ledger may not go on. */
  | 'outrun'
  /** A newer opening of the asker's ledger is known: an older process, or a copy. */
  | 'old-boot'
  /** None of the periods is running here. */
  | 'wrong-period'
  /** This node's clock is in doubt. */
  | 'clock'
  /** More requests in a short time than an honest node has. */
  | 'too-often'
  /** So many openings were given to that the period's list is full. */
  | 'too-many'
  /** Nothing is left, or older calls wait for it here. */
  | 'nothing'

/** What a donor answers. */
export type Granting =
  | { readonly status: 'granted' /** Sealed; synced in the donor's ledger. */; readonly grants: readonly Uint8Array[] }
  | { readonly status: 'refused'; readonly code: GrantRefusalCode; readonly reason: string }

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
