/** Stable codes; counters, exit codes and problem details are keyed by them. */
export type BudgetErrorCode =
  /** Not an amount of dollars. */
  | 'BAD_AMOUNT'
  /** A price file that cannot be used; the message names file and line. */
  | 'BAD_PRICES'
  /** A limit or a cap that cannot be split, or a split that exceeds it. */
  | 'BAD_SHARES'
  /** A field of a request that the ledger cannot hold. */
  | 'BAD_REQUEST'
  | 'CALL_UNKNOWN'
  /** A step that the call's state does not allow, e.g. sending a released call. */
  | 'CALL_STATE'
  /** A record is missing, unreadable or not the one that its successor names. */
  | 'LEDGER_BROKEN'
  /** A rule that the limit rests on does not hold: a fault of this program. The budget is frozen. */
  | 'INVARIANT_BROKEN'
  /** A write failed: nothing is reserved or sent until the node was restarted. */
  | 'FROZEN'
  /** Too much is waiting; nothing was written, the same request may be made again. */
  | 'BUSY'
  | 'CLOSED'

export class BudgetError extends Error {
  override readonly name = 'BudgetError'
  readonly code: BudgetErrorCode

  constructor(code: BudgetErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/**
 * The rules without which the limit does not hold, by number:
 * 1 per period, the shares add up to the limit at most; 2 at admission, an account's charges stay within its rights;
 * 3 a synced write comes before any effect; 4 counters and numbers never decrease; 5 one live process per account;
 * 6 a period's initial rights are written once; 7 a call's periods are fixed when its reservation is written;
 * 8 holds are given back only on final evidence; 9 a failed write freezes everything; 10 admission holds in memory before
 * its batch is queued; 11 credited grants stay within what was granted; 12 one request per `sent` record;
 * 13 a call is charged to every day and month within the clocks' skew, to its agent's day and to its thread.
 */
export type Invariant = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13

/** @throws {BudgetError} INVARIANT_BROKEN */
export function invariant(number: Invariant, holds: boolean, words: string): asserts holds {
  if (!holds) throw new BudgetError('INVARIANT_BROKEN', `invariant ${number}: ${words}`)
}
