import {
  type Account,
  accountKey,
  type Boot,
  type Grant,
  type Incarnation,
  type NanoUsd,
  readGrant,
} from '@bzzz/protocols'
import { NO_USD } from '../usd.ts'

/** How an account's rights in one period moved. Changed only by replacing it. */
export interface Transfers {
  /** The newest grant to each opening of each receiver's ledger. */
  readonly given: readonly Transfer[]
  /** The newest grant of each donor to each own opening. */
  readonly taken: readonly Transfer[]
  /** Ids of the mints that are booked. */
  readonly mints: readonly Incarnation[]
}

export interface Transfer {
  /** The receiver of what was given, the donor of what was taken. */
  readonly party: Account
  /** The receiver's opening. */
  readonly boot: Boot
  /** All that moved from the donor to this opening in this period. */
  readonly cumulative: NanoUsd
  /** The donor's. */
  readonly seq: number
  /** As it was signed. */
  readonly grant: Uint8Array
}

export const NO_TRANSFERS: Transfers = { given: [], taken: [], mints: [] }

export function transferGiven(bytes: Uint8Array, { to, cumulative, seq }: Grant = readGrant(bytes)): Transfer {
  return { party: to.account, boot: to.boot, cumulative, seq, grant: bytes }
}

export function transferTaken(bytes: Uint8Array, { from, to, cumulative, seq }: Grant = readGrant(bytes)): Transfer {
  return { party: from, boot: to.boot, cumulative, seq, grant: bytes }
}

/** What moved so far between this party and this opening. */
export function transferOf(rows: readonly Transfer[], party: Account, boot: Boot): Transfer | undefined {
  return rows.find((row) => isBetween(row, party, boot))
}

export function movedBefore(rows: readonly Transfer[], { party, boot }: Pick<Transfer, 'party' | 'boot'>): NanoUsd {
  return transferOf(rows, party, boot)?.cumulative ?? NO_USD
}

/** With this one in place of the one before it. */
export function withTransfer(rows: readonly Transfer[], transfer: Transfer): Transfer[] {
  return [...rows.filter((row) => !isBetween(row, transfer.party, transfer.boot)), transfer]
}

function isBetween(row: Transfer, party: Account, { counter, nonce }: Boot): boolean {
  return row.boot.nonce === nonce && row.boot.counter === counter && accountKey(row.party) === accountKey(party)
}
