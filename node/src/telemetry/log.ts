import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino'

export type Log = Logger

export interface LogOptions {
  /** Label of the node. */
  readonly node: string
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** A file descriptor (1: stdout, 2: stderr, or an open file's), or a stream for tests. */
  readonly to: number | DestinationStream
}

// Wherever one of these comes along, at the top of a line or one level down. Secrets are not logged in the first place.
const SECRETS = [
  'authorization',
  'apiKey',
  'api_key',
  'token',
  'secret',
  'password',
  'privateKey',
  'private_key',
  'cookie',
]
const REDACTED = ['req.headers.authorization', ...SECRETS.flatMap((name) => [name, `*.${name}`])]

/** One JSON object a line: time (RFC 3339, UTC), level as a word, service, node, msg, and the fields of the fact. */
export function createLog({ node, level, to }: LogOptions): Log {
  const options = {
    level,
    base: { service: 'bzzz', node },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
  }
  // Written at once: the last lines before a crash are the ones that are wanted.
  return pino(options, typeof to === 'number' ? destination({ fd: to, sync: true }) : to)
}
