export type ThreadsErrorCode =
  | 'THREAD_UNKNOWN'
  | 'ENTRY_INVALID'
  | 'ENTRY_TOO_LARGE'
  | 'BLOB_TOO_LARGE'
  | 'TOO_MANY_THREADS'
  /** So many appends wait for the disk that one more is refused. */
  | 'BUSY'
  /** The log on disk does not make the document it made before. */
  | 'LOG_DAMAGED'
  /** A write failed: nothing is read or written until the state and the threads were opened again. */
  | 'FROZEN'
  | 'CLOSED'

export class ThreadsError extends Error {
  override readonly name = 'ThreadsError'
  readonly code: ThreadsErrorCode

  constructor(code: ThreadsErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

export function damaged(what: string, cause?: unknown): ThreadsError {
  return new ThreadsError('LOG_DAMAGED', `the log of threads is damaged: ${what}`, { cause })
}

export function closed(): ThreadsError {
  return new ThreadsError('CLOSED', 'threads are closed')
}
