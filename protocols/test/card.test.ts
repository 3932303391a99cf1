import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Signer } from '../src/bytes/signing.ts'
import { MAX_CARD_BYTES, type NodeCard, openCard, sealCard } from '../src/card/card.ts'
import { type MeshId, peerIdFromPublicKey } from '../src/ids/ids.ts'

const golden = JSON.parse(readFileSync(new URL('./golden/card.json', import.meta.url), 'utf8')) as {
  seed: string
  mesh: MeshId
  card: NodeCard
  sealed: string
}
const SIGNER = signerOf(Buffer.from(golden.seed, 'hex'))
const OTHER_MESH = 'cd'.repeat(32) as MeshId

function signerOf(seed: Uint8Array): Signer {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]) // RFC 8410 §7
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { peer: peerIdFromPublicKey(publicKey), publicKey, sign: (message) => sign(null, message, key) }
}

function open(card: object): NodeCard {
  return openCard(sealCard(card as NodeCard, golden.mesh, SIGNER), golden.mesh)
}

describe('a card', () => {
  it('has the golden bytes', () => {
    expect(Buffer.from(sealCard(golden.card, golden.mesh, SIGNER)).toString('hex')).toBe(golden.sealed)
    expect(openCard(Buffer.from(golden.sealed, 'hex'), golden.mesh)).toEqual(golden.card)
  })

  it('of another mesh does not open', () => {
    expect(() => openCard(Buffer.from(golden.sealed, 'hex'), OTHER_MESH)).toThrow(
      expect.objectContaining({ code: 'BAD_SIGNATURE' }),
    )
  })

  it('signed by another than the peer it names does not open', () => {
    const forged = sealCard(golden.card, golden.mesh, signerOf(Buffer.alloc(32, 2)))
    expect(() => openCard(forged, golden.mesh)).toThrow(expect.objectContaining({ code: 'BAD_SIGNATURE' }))
  })

  it('with any byte changed does not open', () => {
    const sealed = Buffer.from(golden.sealed, 'hex')
    for (let at = 0; at < sealed.length; at += 7) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(() => openCard(changed, golden.mesh), `byte ${at}`).toThrow()
    }
  })

  it.each<[string, object]>([
    ['with a field too many', { ...golden.card, mood: 'good' }],
    ['without agents', { ...golden.card, agents: undefined }],
    ['with more agents than allowed', { ...golden.card, agents: Array(33).fill(golden.card.agents[0]) }],
    [
      'with a peer id of another kind of key',
      { ...golden.card, peer: 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N' },
    ],
    ['with an agent of no home', { ...golden.card, agents: [{ ...golden.card.agents[0], id: 'reviewer' }] }],
    ['with a fraction of a millisecond', { ...golden.card, wallMs: 1.5 }],
    ['with a label that is a path', { ...golden.card, label: '../node' }],
  ])('%s does not open', (_what, card) => {
    expect(() => open(card)).toThrow(expect.objectContaining({ code: 'BAD_SHAPE' }))
  })

  it('above its bound does not open', () => {
    expect(() => openCard(new Uint8Array(MAX_CARD_BYTES + 1), golden.mesh)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})
