import { describe, expect, it } from 'vitest'
import { sealAck } from '../src/ack/ack.ts'
import { encodeCanonical } from '../src/bytes/cbor.ts'
import { openForkProof, proveFork, type SignedThing } from '../src/fork/fork.ts'
import { sealGrant } from '../src/grant/grant.ts'
import { type Manifest, openManifest, sealManifest } from '../src/manifest/manifest.ts'
import { sealSlot } from '../src/slot/slot.ts'
import { golden, hex, mesh, otherMesh, signerOf } from './keys.ts'

const [walnut, ironwood, owner] = [signerOf(1), signerOf(2), signerOf(9)]
const account = { peer: walnut.peer, incarnation: '1'.repeat(32) as never }
const boot = { counter: 3, nonce: 'a'.repeat(32) as never }
const to = { account: { peer: ironwood.peer, incarnation: '2'.repeat(32) as never }, boot }

function grant(cumulative: bigint, seq: number, from = account, signer = walnut): SignedThing {
  const body = { v: 1, period: 'd:2026-11-22' as never, from, boot, to, cumulative: cumulative as never, seq } as const
  return { kind: 'grant', bytes: Uint8Array.from(sealGrant(body, mesh, signer)) }
}

function ack(seq: number): SignedThing {
  const body = { v: 1, account, version: 2, manifest: new Uint8Array(32), seq, opened: [] } as const
  return { kind: 'ack', bytes: Uint8Array.from(sealAck({ ...body, opened: [] }, mesh, walnut)) }
}

function slot(seq: number, opening = boot): SignedThing {
  const zero = 0n as never
  const counters = { initial: zero, granted: [], received: [], reserved: zero, released: zero, overrun: zero }
  const body = {
    v: 1,
    period: 'm:2026-11' as never,
    account,
    boot: opening,
    seq,
    manifestVersion: 1,
    prevHash: null,
  } as const
  return {
    kind: 'slot',
    bytes: Uint8Array.from(sealSlot({ ...body, wallMs: 1, state: 'open', ...counters }, mesh, walnut)),
  }
}

describe('a fork proof', () => {
  const proof = proveFork(grant(5n, 42), grant(6n, 42), mesh)

  it('has the bytes of the spec', () => {
    expect({ proof: hex(proof?.bytes ?? new Uint8Array()) }).toEqual(golden('fork'))
  })

  it('names whose key signed two things under one number, and anyone can check it', () => {
    expect(proof).toMatchObject({ signer: account, number: 42 })
    expect(openForkProof(proof?.bytes ?? new Uint8Array(), mesh)).toEqual(proof)
  })

  it('may join a slot, a grant and an ack, which share their numbers', () => {
    expect(proveFork(slot(7), grant(5n, 7), mesh)).toMatchObject({ signer: account, number: 7 })
    expect(proveFork(ack(8), slot(8), mesh)).toMatchObject({ signer: account, number: 8 })
  })

  it('joins things of two openings that one ledger cannot have had', () => {
    const [other, next] = [
      { ...boot, nonce: 'b'.repeat(32) as never },
      { counter: 4, nonce: 'c'.repeat(32) as never },
    ]
    expect(proveFork(slot(7), slot(12, other), mesh)).toMatchObject({ signer: account, number: 7 })
    expect(proveFork(slot(9), slot(8, next), mesh)).toMatchObject({ number: 8 })
    expect(proveFork(slot(8, next), grant(5n, 9), mesh)).toMatchObject({ number: 8 })
  })

  it('against the owner joins two manifests of one number', () => {
    const body: Manifest = {
      ...{ v: 1, version: 2, prevHash: new Uint8Array(32), network: 'hive', createdMs: 1 },
      ...{ owner: Uint8Array.from(owner.publicKey), limits: [], perAgentDaily: null },
      ...{ thresholds: { warning: 800, critical: 950 }, allotments: [], weights: [], mints: [] },
      ...{ closed: [], heals: [], restored: null, clockSkewMs: 1 },
      ...{ members: [{ peer: walnut.peer, label: 'walnut', role: 'node', addrs: [] }] },
      priceTableHash: new Uint8Array(32),
    }
    const manifest = (createdMs: number): SignedThing => {
      return { kind: 'manifest', bytes: Uint8Array.from(sealManifest({ ...body, createdMs }, mesh, owner)) }
    }
    expect(openManifest(manifest(2).bytes, mesh).manifest.version).toBe(2)
    expect(proveFork(manifest(2), manifest(3), mesh)).toMatchObject({ signer: 'owner', number: 2 })
  })

  it.each<[string, SignedThing, SignedThing]>([
    ['the same thing twice', grant(5n, 42), grant(5n, 42)],
    ['things under two numbers', grant(5n, 42), grant(6n, 43)],
    ['things of two openings, one after the other', slot(7), slot(8, { counter: 4, nonce: 'c'.repeat(32) as never })],
    ['an ack, which names no opening, and a slot', ack(9), slot(8, { counter: 4, nonce: 'c'.repeat(32) as never })],
    ['things of two accounts', grant(5n, 42), grant(6n, 42, { ...account, incarnation: '3'.repeat(32) as never })],
  ])('is not made of %s', (_, first, second) => {
    expect(proveFork(first, second, mesh)).toBeUndefined()
    expect(() => openForkProof(encodeCanonical({ v: 1, first, second }), mesh)).toThrow(
      expect.objectContaining({ code: 'BAD_SHAPE' }),
    )
  })

  it('is not made of what the accused did not sign, or signed in another mesh', () => {
    const forged = expect.objectContaining({ code: 'BAD_SIGNATURE' })
    expect(() => proveFork(grant(5n, 42), grant(6n, 42, account, ironwood), mesh)).toThrow(forged)
    expect(() => openForkProof(proof?.bytes ?? new Uint8Array(), otherMesh)).toThrow(forged)
  })
})
