import { createPrivateKey, createPublicKey } from 'node:crypto'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex') // RFC 8410 §7

/** libp2p would derive the public key in JavaScript, which costs a tenth of a node's start. */
export function keyPairOf(seed: Uint8Array) {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  return privateKeyFromRaw(Buffer.concat([seed, publicKey]))
}

/** The text form that pnet reads (libp2p specs, pnet/Private-Networks-PSK-V1). */
export function preSharedKeyFile(secret: Uint8Array): Uint8Array {
  if (secret.length !== 32) throw new RangeError(`a network secret has 32 bytes, not ${secret.length}`)
  return Buffer.from(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(secret).toString('hex')}`)
}
