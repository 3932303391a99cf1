import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { loadPrices, type PriceTable } from '@bzzz/budget'
import {
  equalBytes,
  type MeshId,
  openAck,
  openSlot,
  peerIdFromPublicKey,
  readGrant,
  type SignedThing,
  type Signer,
  type Verify,
} from '@bzzz/protocols'

/** Keys and prices of all simulations. Signatures of nodes are hashes: their cost is not what is simulated. */
export function nodeSigner(index: number): Signer {
  const known = signers[index]
  if (known !== undefined) return known
  const publicKey = Uint8Array.from(createHash('sha256').update(`node ${index}`).digest())
  const signer: Signer = {
    peer: peerIdFromPublicKey(publicKey),
    publicKey,
    sign: (message) => hashOf(publicKey, message),
  }
  signers[index] = signer
  return signer
}

const signers: Signer[] = []

export const verifies: Verify = (publicKey, message, signature) => equalBytes(hashOf(publicKey, message), signature)

function hashOf(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash('sha512').update(publicKey).update(message).digest())
}

export function numberOf({ kind, bytes }: SignedThing, mesh: MeshId): number {
  switch (kind) {
    case 'slot':
      return openSlot(bytes, mesh, verifies).seq
    case 'grant':
      return readGrant(bytes).seq
    case 'ack':
      return openAck(bytes, mesh, verifies).seq
    case 'manifest':
      throw new RangeError('a manifest is not of an account')
  }
}

/** The owner's signatures are true ones: there are few. */
export const owner: Signer = ownerSigner()

function ownerSigner(): Signer {
  const key = createPrivateKey({
    key: Buffer.from(`302e020100300506032b657004220420${'42'.repeat(32)}`, 'hex'),
    format: 'der',
    type: 'pkcs8',
  })
  const publicKey = Uint8Array.from(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32))
  return { peer: peerIdFromPublicKey(publicKey), publicKey, sign: (message) => sign(null, message, key) }
}

/** Models that cost a cent for each generated token, and next to nothing besides. */
export const COINS = ['coin', 'dime', 'florin', 'guinea', 'mark', 'shilling'] as const
export const prices: PriceTable = loadPrices(
  JSON.stringify({
    currency: 'USD',
    unit: 'per million tokens',
    models: COINS.map((model) => ({
      ...{ model, provider: 'p', input: '0.000001', output: '10000' },
      ...{ date: '2026-11-22', source: 'invented' },
    })),
  }),
  'simulated prices',
)
export const CENT = 10_000_000n
