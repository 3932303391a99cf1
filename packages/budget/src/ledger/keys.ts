import { type Account, accountKey, type CallId, type Incarnation, type Period, type TurnId } from '@bzzz/protocols'
import type { Range } from '@bzzz/store'

/**
 * Where things stand in the room of one ledger ({@link Ledgers}). `l/` is the ledger, the only truth; all else is derived from it in the same atomic
 * batch, so that opening it and looking up one call do not read its history:
 *
 * - `l/<seq>` record; `c/<call>/<seq>` its records; `t/<turn>/<step>/<attempt>` its calls
 * - `n/<nonce>` its openings
 * - `o/<call>` reserved or sent, and nothing came of it yet; `u/<call>` uncertain
 * - `p/<period>` balance; `g/<period>` what its rights moved by; `s/<period>` the sealed slot; `b/<day>/…` costs; `f/<model>` the call that froze it
 * - `k/<peer>/<incarnation>` proof against an account
 * - `outrun` what the account signed and this ledger does not hold: it may not go on
 * - `acked` number of the record of the newest manifest that was acknowledged
 * - `meta` boot and the number of what was signed last
 */
export const META = 'meta'
export const ACKED = 'acked'
export const OUTRUN = 'outrun'
export const recordKey = (seq: number): string => `l/${digits(seq)}`
export const callRecordKey = (call: CallId, seq: number): string => `c/${call}/${digits(seq)}`
export const turnKey = (turn: TurnId, step: number, attempt: number): string =>
  `t/${turn}/${digits(step)}/${digits(attempt)}`
/** What the keys of a turn's calls begin with, or those of one step. */
export const turnPrefix = (turn: TurnId, step?: number): string =>
  step === undefined ? `t/${turn}/` : `t/${turn}/${digits(step)}/`
export const unsettledKey = (call: CallId): string => `o/${call}`
export const uncertainKey = (call: CallId): string => `u/${call}`
export const balanceKey = (period: Period): string => `p/${period}`
export const transfersKey = (period: Period): string => `g/${period}`
export const bootKey = (nonce: Incarnation): string => `n/${nonce}`
export const forkKey = (account: Account): string => `k/${accountKey(account)}`
export const slotViewKey = (period: Period): string => `s/${period}`
export const costViewKey = (key: string): string => `b/${key}`
export const overrunKey = (model: string): string => `f/${model}`

/** All keys that begin with a prefix ending in a slash; '0' follows '/' in ASCII. */
export function under(prefix: string): Range {
  return { gte: prefix, lt: `${prefix.slice(0, -1)}0` }
}

/** What follows the last slash. */
export function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1)
}

/** Sorts like the number. */
function digits(value: number): string {
  return String(value).padStart(16, '0')
}
