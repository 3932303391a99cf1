import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../src/bytes/cbor.ts'
import { sealSigned } from '../src/bytes/signing.ts'
import { MAX_MANIFEST_BYTES, type Manifest, openManifest, sealManifest } from '../src/manifest/manifest.ts'
import { golden, hex, otherMesh, signerOf } from './keys.ts'

const owner = signerOf(9)
const walnut = signerOf(1)
const account = { peer: walnut.peer, incarnation: '00112233445566778899aabbccddeeff' } as never
const first: Manifest = {
  ...{
    v: 1,
    version: 1,
    prevHash: null,
    network: 'hive',
    createdMs: 1_795_000_000_000,
    owner: Uint8Array.from(owner.publicKey),
  },
  limits: [
    { dim: 'day', from: 'd:2026-11-22' as never, amount: 100_000_000_000n as never },
    { dim: 'month', from: 'm:2026-11' as never, amount: 1_000_000_000_000n as never },
  ],
  ...{ perAgentDaily: 20_000_000_000n as never, thresholds: { warning: 800, critical: 950 } },
  members: [{ peer: walnut.peer, label: 'walnut', role: 'node', addrs: ['/ip4/192.168.1.27/tcp/4001'] }],
  allotments: [{ account, dim: 'day', from: 'd:2026-11-22' as never, amount: 100_000_000_000n as never }],
  ...{
    weights: [{ account, weight: 2 }],
    mints: [],
    closed: [],
    heals: [],
    restored: null,
    clockSkewMs: 5_000,
    priceTableHash: new Uint8Array(32).fill(7),
  },
}
const sealed = sealManifest(first, 'first', owner)
const { mesh, hash } = openManifest(sealed, 'first')

describe('a manifest', () => {
  it('has the bytes of the spec', () => {
    expect({ sealed: hex(sealed), mesh }).toEqual(golden('manifest'))
  })

  it('is read back as it was signed, and version 1 names the mesh', () => {
    expect(openManifest(sealed, mesh)).toEqual({ manifest: first, mesh, hash, bytes: sealed })
    expect(mesh).toBe(hex(hash))
  })

  it('of a later version is signed for the mesh that version 1 named, and alone names none', () => {
    const second = sealManifest({ ...first, version: 2, prevHash: Uint8Array.from(hash) }, mesh, owner)
    expect(openManifest(second, mesh).manifest.version).toBe(2)
    expect(() => openManifest(second, 'first')).toThrow(expect.objectContaining({ code: 'WRONG_MESH' }))
    expect(() => openManifest(second, otherMesh)).toThrow(expect.objectContaining({ code: 'BAD_SIGNATURE' }))
  })

  it('of another mesh is refused', () => {
    expect(() => openManifest(sealed, otherMesh)).toThrow(expect.objectContaining({ code: 'WRONG_MESH' }))
  })

  it('that anyone but its owner signed is refused', () => {
    const forged = sealSigned('manifest', mesh, encodeCanonical(first), walnut)
    expect(() => openManifest(forged, mesh)).toThrow(expect.objectContaining({ code: 'BAD_SIGNATURE' }))
    expect(() => openManifest(sealed.with(10, (sealed[10] ?? 0) ^ 1), mesh)).toThrow(
      expect.objectContaining({ code: 'BAD_SIGNATURE' }),
    )
  })

  it.each<[string, object, string]>([
    [
      'a limit per month that begins on a day',
      { limits: [{ dim: 'month', from: 'd:2026-11-22', amount: 1n }] },
      'limits.0',
    ],
    [
      'an allotment per day that begins in a month',
      { allotments: [{ account, dim: 'day', from: 'm:2026-11', amount: 1n }] },
      'allotments.0',
    ],
    ['no member', { members: [] }, 'members'],
    ['an amount of 2^63', { perAgentDaily: 2n ** 63n }, 'perAgentDaily'],
    ['a day that does not exist', { limits: [{ dim: 'day', from: 'd:2026-02-29', amount: 1n }] }, 'limits.0.from'],
    ['a threshold above the whole', { thresholds: { warning: 800, critical: 1001 } }, 'thresholds.critical'],
    ['clocks more than an hour apart', { clockSkewMs: 3_600_001 }, 'clockSkewMs'],
    ['a field that nobody knows', { extra: 1 }, 'extra'],
  ])('with %s is refused', (_, change, where) => {
    const bytes = sealManifest({ ...first, ...change } as Manifest, 'first', owner)
    expect(() => openManifest(bytes, 'first')).toThrow(
      expect.objectContaining({ code: 'BAD_SHAPE', message: expect.stringContaining(where) }),
    )
  })

  it('above its bound is refused before it is decoded', () => {
    expect(() => openManifest(new Uint8Array(MAX_MANIFEST_BYTES + 1), mesh)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})
