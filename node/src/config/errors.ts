export type ConfigErrorCode =
  | 'CONFIG_INVALID'
  | 'CONFIG_UNREADABLE'
  | 'NOT_INITIALISED'
  | 'ALREADY_INITIALISED'
  | 'OWNER_KEY_MISSING'
  | 'LEFT_MESH'

/** The message is one sentence or two: what, where, what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code: ConfigErrorCode

  constructor(code: ConfigErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** A file lies where the data directory, or a part of its path, should be. */
export function notADirectory(path: string, cause: unknown): ConfigError {
  return new ConfigError('CONFIG_INVALID', `${path} is a file, or lies in one; name another --data-dir`, { cause })
}
