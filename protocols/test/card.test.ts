import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { NanoUsd } from '../src/bytes/shapes.ts'
import type { Signer } from '../src/bytes/signing.ts'
import { MAX_CARD_BYTES, type NodeCard, openCard, sealCard } from '../src/card/card.ts'
import { type MeshId, type Period, peerIdFromPublicKey } from '../src/ids/ids.ts'

type JsonCard = Omit<NodeCard, 'spare'> & { spare: { period: string; amount: number }[] }
const golden = JSON.parse(readFileSync(new URL('./golden/card.json', import.meta.url), 'utf8')) as {
  seed: string
  mesh: MeshId
  card: JsonCard
  sealed: string
}
const CARD = cardOf(golden.card)
const SIGNER = signerOf(Buffer.from(golden.seed, 'hex'))
const OTHER_MESH = 'cd'.repeat(32) as MeshId

function signerOf(seed: Uint8Array): Signer {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]) // RFC 8410 §7
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { peer: peerIdFromPublicKey(publicKey), publicKey, sign: (message) => sign(null, message, key) }
}

/** Amounts are whole numbers in JSON. */
function cardOf({ spare, ...card }: JsonCard): NodeCard {
  return {
    ...card,
    spare: spare.map(({ period, amount }) => ({ amount: BigInt(amount) as NanoUsd, period: period as Period })),
  }
}

function open(card: object): NodeCard {
  return openCard(sealCard(card as NodeCard, golden.mesh, SIGNER), golden.mesh)
}

describe('a card', () => {
  it('has the golden bytes', () => {
    expect(Buffer.from(sealCard(CARD, golden.mesh, SIGNER)).toString('hex')).toBe(golden.sealed)
    expect(openCard(Buffer.from(golden.sealed, 'hex'), golden.mesh)).toEqual(CARD)
  })

  it('of another mesh does not open', () => {
    expect(() => openCard(Buffer.from(golden.sealed, 'hex'), OTHER_MESH)).toThrow(
      expect.objectContaining({ code: 'BAD_SIGNATURE' }),
    )
  })

  it('signed by another than the peer it names does not open', () => {
    const forged = sealCard(CARD, golden.mesh, signerOf(Buffer.alloc(32, 2)))
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
    ['with a field too many', { ...CARD, mood: 'good' }],
    ['without agents', { ...CARD, agents: undefined }],
    ['with more agents than allowed', { ...CARD, agents: Array(33).fill(CARD.agents[0]) }],
    ['with a peer id of another kind of key', { ...CARD, peer: 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N' }],
    ['with an agent of no home', { ...CARD, agents: [{ ...CARD.agents[0], id: 'reviewer' }] }],
    ['that has rights in more periods than a call has', { ...CARD, spare: Array(17).fill(CARD.spare[0]) }],
    ["with rights of an agent's day", { ...CARD, spare: [{ period: 'a:architect:2026-11-22', amount: 1n }] }],
    ['without an opening of its ledger', { ...CARD, boot: undefined }],
    ['with a fraction of a millisecond', { ...CARD, wallMs: 1.5 }],
    ['with a label that is a path', { ...CARD, label: '../node' }],
  ])('%s does not open', (_what, card) => {
    expect(() => open(card)).toThrow(expect.objectContaining({ code: 'BAD_SHAPE' }))
  })

  it('above its bound does not open', () => {
    expect(() => openCard(new Uint8Array(MAX_CARD_BYTES + 1), golden.mesh)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})
