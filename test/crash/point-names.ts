/** Where a node may die, in the order in which a turn comes by; said between a test and the process that it will kill. */
export const POINTS = [
  'reserve:before',
  'reserve:after',
  'request:before',
  /** The whole request was handed to the socket, and nothing has come back. */
  'request:left',
  'token:first',
  'settle:before',
  'settle:after',
  'append:before',
  'append:after',
  'publish:before',
  'publish:after',
  'write:before',
  /** The batch was handed to the database, and is not known to be on disk. */
  'write:during',
  'write:after',
] as const
export type Point = (typeof POINTS)[number]

/** From the test: die at the `nth` pass from now on. Answered with `armed`. */
export interface Arm {
  readonly arm: Point
  readonly nth: number
}

/** To the test: a room has closed. */
export interface Closed {
  readonly closed: string
}
