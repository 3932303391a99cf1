import type { JoinAnswer } from '@bzzz/protocols'

type JoinRefusalCode = Extract<JoinAnswer, { t: 'refused' }>['code']

/** The mesh did not take this machine in. */
export class JoinError extends Error {
  override readonly name = 'JoinError'
  /**
   * `UNREACHED`: nobody answered; the same command may be run again. `BAD_ANSWER`: what came is not of the invited mesh.
   * `BUSY`: another join is at work in the same directory.
   */
  readonly code: JoinRefusalCode | 'UNREACHED' | 'BAD_ANSWER' | 'BUSY'

  constructor(code: JoinError['code'], message: string) {
    super(message)
    this.code = code
  }
}
