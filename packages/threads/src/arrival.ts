import {
  type Envelope,
  MAX_ENVELOPE_BYTES,
  type MeshId,
  type PeerId,
  ProtocolError,
  readEnvelope,
  type UnverifiedEnvelope,
  verifyEnvelope,
} from '@bzzz/protocols'

/** A signed change of a member, with the bytes that prove it. */
export interface Arrival extends Envelope {
  readonly bytes: Uint8Array
}

/**
 * The way in for bytes from elsewhere, cheapest question first: size, shape, mesh, the change's header, membership, and
 * only then the signature.
 * @throws {ProtocolError}
 */
export function openArrival(mesh: MeshId, isMember: (peer: PeerId) => boolean, given: Uint8Array): Arrival {
  if (given.length > MAX_ENVELOPE_BYTES) {
    throw new ProtocolError('TOO_LARGE', `${given.length} bytes, at most ${MAX_ENVELOPE_BYTES}`)
  }
  const bytes = Uint8Array.from(given) // a view would keep the whole frame in memory that it came in
  const envelope: UnverifiedEnvelope = readEnvelope(mesh, bytes)
  if (!isMember(envelope.author)) throw new ProtocolError('NOT_A_MEMBER', `${envelope.author} is not a member`)
  verifyEnvelope(mesh, envelope)
  return { ...envelope, bytes }
}
