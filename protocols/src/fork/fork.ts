import { z } from 'zod'
import { MAX_ACK_BYTES, openAck } from '../ack/ack.ts'
import { decodeCanonical, encodeCanonical, equalBytes } from '../bytes/cbor.ts'
import { ProtocolError } from '../bytes/errors.ts'
import { bytesUpTo } from '../bytes/shapes.ts'
import { signedBody, type Verify } from '../bytes/signing.ts'
import { MAX_GRANT_BYTES, openGrant } from '../grant/grant.ts'
import { type Account, accountKey, type Boot, type MeshId } from '../ids/ids.ts'
import { MAX_MANIFEST_BYTES, openManifest } from '../manifest/manifest.ts'
import { MAX_SLOT_BYTES, openSlot } from '../slot/slot.ts'

/** Two things of one signer that one ledger cannot have signed: proof that its key or ledger is in use twice. See spec.md. */
export const MAX_FORK_PROOF_BYTES = 2 * MAX_MANIFEST_BYTES + 1024

const kind = z.enum(['slot', 'grant', 'ack', 'manifest'])
const signed = z.strictObject({ kind, bytes: bytesUpTo(MAX_MANIFEST_BYTES) })
const forkProof = z.strictObject({ v: z.literal(1), first: signed, second: signed })

/** Something signed, as it travelled. */
export type SignedThing = z.infer<typeof signed>

export interface ForkProof {
  /** Whose key signed both: an account's, or the owner of the mesh. */
  readonly signer: Account | 'owner'
  /** The number that both carry, or the lower of the two: `seq`, or a manifest's `version`. */
  readonly number: number
  readonly bytes: Uint8Array
}

/** What two signed things prove against their signer; undefined when they prove nothing. @throws {ProtocolError} when one is not genuine */
export function proveFork(
  first: SignedThing,
  second: SignedThing,
  mesh: MeshId,
  verifies?: Verify,
): ForkProof | undefined {
  const [a, b] = [opened(first, mesh, verifies), opened(second, mesh, verifies)]
  const differ = first.kind !== second.kind || !equalBytes(a.body, b.body)
  const twice = a.number === b.number && differ
  if (a.name !== b.name || !(twice || contradicts(a, b))) return undefined
  return { signer: a.signer, number: Math.min(a.number, b.number), bytes: encodeCanonical({ v: 1, first, second }) }
}

/** A thing that an account signed, in which opening of its ledger, and under which number. Acks do not say the opening. */
export interface Numbered {
  readonly number: number
  readonly boot?: Boot | undefined
}

/** Whether no one ledger can have signed both, whatever they say: openings of a ledger are counted, and its numbers grow from one to the next. */
export function contradicts(a: Numbered, b: Numbered): boolean {
  if (a.boot === undefined || b.boot === undefined) return false
  if (a.boot.counter === b.boot.counter) return a.boot.nonce !== b.boot.nonce
  return a.boot.counter < b.boot.counter ? a.number > b.number : a.number < b.number
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SIGNATURE, WRONG_MESH, or BAD_SHAPE when it proves nothing */
export function openForkProof(bytes: Uint8Array, mesh: MeshId, verifies?: Verify): ForkProof {
  const { first, second } = decodeCanonical(bytes, forkProof, MAX_FORK_PROOF_BYTES)
  const proof = proveFork(first, second, mesh, verifies)
  if (proof === undefined) throw new ProtocolError('BAD_SHAPE', 'the two do not contradict each other')
  return { ...proof, bytes }
}

interface Opened extends Numbered {
  readonly signer: ForkProof['signer']
  /** The same for the same signer and kind of number. */
  readonly name: string
  readonly body: Uint8Array
}

function opened({ kind, bytes }: SignedThing, mesh: MeshId, verifies?: Verify): Opened {
  const of = (signer: Account, number: number, maxBytes: number, boot?: Boot): Opened => {
    return { signer, name: accountKey(signer), number, boot, body: signedBody(bytes, maxBytes) }
  }
  switch (kind) {
    case 'slot': {
      const { account, seq, boot } = openSlot(bytes, mesh, verifies)
      return of(account, seq, MAX_SLOT_BYTES, boot)
    }
    case 'grant': {
      const { from, seq, boot } = openGrant(bytes, mesh, verifies)
      return of(from, seq, MAX_GRANT_BYTES, boot)
    }
    case 'ack': {
      const { account, seq } = openAck(bytes, mesh, verifies)
      return of(account, seq, MAX_ACK_BYTES)
    }
    case 'manifest': {
      const { manifest } = openManifest(bytes, mesh, verifies)
      const body = signedBody(bytes, MAX_MANIFEST_BYTES)
      return { signer: 'owner', name: Buffer.from(manifest.owner).toString('hex'), number: manifest.version, body }
    }
  }
}
