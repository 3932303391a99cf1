/** Why a change could not be read. The message says what failed, where, and what to do about it. */
export type ChangeErrorCode =
  | 'NOT_A_REPOSITORY'
  | 'NO_SUCH_REVISION'
  | 'EMPTY_CHANGE'
  | 'TOO_LARGE'
  | 'BAD_PATCH'
  | 'GIT_MISSING'
  | 'GIT_FAILED'

export class ChangeError extends Error {
  override readonly name = 'ChangeError'
  readonly code: ChangeErrorCode

  constructor(code: ChangeErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
