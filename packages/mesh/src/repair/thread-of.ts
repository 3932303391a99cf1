import { ProtocolError, type ThreadId, threadIdFromBytes } from '@bzzz/protocols'

/** @throws {ProtocolError} BAD_SHAPE */
export function threadOf(bytes: Uint8Array): ThreadId {
  try {
    return threadIdFromBytes(bytes)
  } catch (cause) {
    throw new ProtocolError('BAD_SHAPE', 'not a thread id', { cause })
  }
}
