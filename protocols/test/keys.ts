import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { MeshId, Signer } from '../src/index.ts'
import { peerIdFromPublicKey } from '../src/index.ts'

/** The mesh and the keys that golden bytes are made with. */
export const mesh = 'ab'.repeat(32) as MeshId
export const otherMesh = 'cd'.repeat(32) as MeshId

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex') // RFC 8410 §7

/** Key whose seed is 32 times `number`: the same in every run. */
export function signerOf(number: number): Signer {
  const der = Buffer.concat([PKCS8_PREFIX, Buffer.alloc(32, number)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32)
  return { peer: peerIdFromPublicKey(publicKey), publicKey, sign: (message) => sign(null, message, key) }
}

/** Golden bytes of one format; they change only together with its spec.md. */
export function golden(format: string): Record<string, string> {
  return JSON.parse(readFileSync(new URL(`golden/${format}.json`, import.meta.url), 'utf8')) as Record<string, string>
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function unhex(text: string | undefined): Uint8Array {
  if (text === undefined) throw new Error('no such golden bytes')
  return Buffer.from(text, 'hex')
}
