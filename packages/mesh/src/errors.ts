/**
 * - `CACHE_FAILED`: libp2p's datastore cannot be opened (in use by another process, or no access).
 * - `LISTEN_FAILED`: none of the addresses could be bound.
 * - `WRONG_KEY`: the private key and the signer are of different peers.
 * - `BAD_HASH`: not a content hash.
 * - `RECORD_REFUSED`: a record that the mesh's rules refuse, or older than the one already known here.
 * - `CLOSED`: the mesh is closed.
 */
export type MeshErrorCode = 'CACHE_FAILED' | 'LISTEN_FAILED' | 'WRONG_KEY' | 'BAD_HASH' | 'RECORD_REFUSED' | 'CLOSED'

export class MeshError extends Error {
  override readonly name = 'MeshError'
  readonly code: MeshErrorCode

  constructor(code: MeshErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The message of whatever was thrown, for reasons in words. */
export function messageOf(error: unknown): string {
  // A stream that ends while a write waits for room throws one.
  if (error instanceof Event) return `the connection ended (${error.type})`
  return error instanceof Error ? error.message : String(error)
}
