/** Exit codes of every command. Reviews: 0, 10, 20, 30; the rest follow sysexits.h. */
export const exitCodes = {
  approved: 0,
  changesRequested: 10,
  escalated: 20,
  pausedByBudget: 30,
  /** Wrong arguments. */
  usage: 64,
  /** The change or file named cannot be read. */
  noInput: 66,
  /** No node is running, or it does not answer. */
  unavailable: 69,
  /** A fault of ours. */
  internal: 70,
  /** The disk refused. */
  io: 74,
  /** The node refused: a missing or wrong token. */
  noPermission: 77,
  /** The configuration is wrong or missing. */
  config: 78,
  interrupted: 130,
} as const

/** Ends the command with one line on stderr. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number
  /** Stable, for `--json`. */
  readonly code: string

  constructor(exitCode: number, code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.exitCode = exitCode
    this.code = code
  }
}
