/** Why bytes from outside were refused. Codes are stable: counters, logs and penalties are keyed by them. */
export type ProtocolErrorCode =
  | 'TOO_LARGE'
  | 'NOT_CANONICAL'
  | 'BAD_SHAPE'
  | 'BAD_SIGNATURE'
  | 'WRONG_MESH'
  | 'NOT_A_MEMBER'
  | 'BAD_CHANGE'

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
