import type { Account, Boot } from '@bzzz/protocols'
import { equalBytes } from '@bzzz/protocols'
import type { Head } from './chain.ts'

/** How far an account's ledger had come. */
export interface Mark {
  readonly account: Account
  /** Its newest opening. */
  readonly boot: Boot
  /** Its last record. */
  readonly head: Head
  /** Of the newest thing that the account signed: a slot takes a number and makes no record. */
  readonly signedSeq: number
}

/** A place outside the ledger, and not put back with it, that says how far the ledger had come. */
export interface Marker {
  /** As it was written last, or earlier when the machine lost power; undefined when there is none that can be read. */
  read(): Promise<Mark | undefined>
  /**
   * Comes after the ledger was synced and before anything that rests on it leaves. It need not be synced: then it may lag
   * behind the ledger, which alarms nobody, and is never ahead of it. A failure freezes the budget.
   */
  write(mark: Mark): Promise<void>
}

/** What is compared with a mark. */
export interface LedgerState {
  readonly head: Head
  readonly signedSeq: number
  /** Hash of a record that the ledger has. */
  readonly hashOf: (seq: number) => Promise<Uint8Array>
}

/** Whether a ledger is at least what the mark says of the same account: if not, an older one was put back in its place. */
export async function reaches({ head, signedSeq, hashOf }: LedgerState, mark: Mark): Promise<boolean> {
  if (head.seq < mark.head.seq || signedSeq < mark.signedSeq) return false
  return mark.head.seq === 0 || equalBytes(await hashOf(mark.head.seq), mark.head.hash)
}
