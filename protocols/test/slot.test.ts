import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../src/bytes/cbor.ts'
import { sealSigned } from '../src/bytes/signing.ts'
import type { Period } from '../src/ids/ids.ts'
import { MAX_SLOT_BYTES, MAX_TRANSFERS, openSlot, type Slot, sealSlot, slotHash, slotKey } from '../src/slot/slot.ts'
import { golden, hex, mesh, otherMesh, signerOf } from './keys.ts'

const walnut = signerOf(1)
const account = { peer: walnut.peer, incarnation: '00112233445566778899aabbccddeeff' as never }
const slot: Slot = {
  ...{
    v: 1,
    period: 'd:2026-11-22' as Period,
    account,
    boot: { counter: 3, nonce: 'ffeeddccbbaa99887766554433221100' as never },
  },
  ...{ seq: 41, manifestVersion: 1, prevHash: new Uint8Array(32).fill(9), wallMs: 1_795_000_000_000, state: 'open' },
  ...{ initial: 33_333_333_333n as never, granted: [], received: [] },
  ...{ reserved: 5_000_000_000n as never, released: 1_200_000_000n as never, overrun: 0n as never },
}
const sealed = sealSlot(slot, mesh, walnut)
const moved: Slot = {
  ...slot,
  seq: 42,
  granted: [
    {
      account: { peer: signerOf(2).peer, incarnation: 'a'.repeat(32) as never },
      ...{ boot: { counter: 1, nonce: 'b'.repeat(32) as never }, cumulative: 2_000_000_000n as never },
      grant: new Uint8Array(32).fill(7),
    },
  ],
  received: [new Uint8Array(32).fill(8)],
}

describe('a slot', () => {
  it('has the bytes, hash and key of the spec', () => {
    const key = Buffer.from(slotKey(mesh, slot.period, account)).toString()
    const withMoves = hex(sealSlot(moved, mesh, walnut))
    expect({ sealed: hex(sealed), hash: hex(slotHash(sealed)), key, withMoves }).toEqual(golden('slot'))
  })

  it('is read back as it was signed', () => {
    expect(openSlot(sealed, mesh)).toEqual(slot)
    expect(openSlot(sealSlot(moved, mesh, walnut), mesh)).toEqual(moved)
  })

  it('is bound to its mesh, its account and its words', () => {
    expect(() => openSlot(sealed, otherMesh)).toThrow(expect.objectContaining({ code: 'BAD_SIGNATURE' }))
    expect(() => openSlot(sealSlot(slot, mesh, signerOf(2)), mesh)).toThrow(
      expect.objectContaining({ code: 'BAD_SIGNATURE' }),
    )
    const asCard = sealSigned('card', mesh, encodeCanonical(slot), walnut)
    expect(() => openSlot(asCard, mesh)).toThrow(expect.objectContaining({ code: 'BAD_SIGNATURE' }))
  })

  it.each<[string, object, string]>([
    [
      "of an agent's day, which never leaves its node,",
      { period: 'a:architect:2026-11-22' },
      'period: never leaves its node',
    ],
    ['without a number', { seq: 0 }, 'seq'],
    ['with a counter below zero', { released: -1n }, 'released'],
    ['in a state that nobody knows', { state: 'resting' }, 'state'],
    ['with a field that nobody knows', { extra: 1 }, 'extra'],
  ])('%s is refused', (_, change, words) => {
    const bytes = sealSlot({ ...slot, ...change } as Slot, mesh, walnut)
    expect(() => openSlot(bytes, mesh)).toThrow(
      expect.objectContaining({ code: 'BAD_SHAPE', message: expect.stringContaining(words) }),
    )
  })

  it('fits into its bound with all the transfers that it may have', () => {
    const most = (2n ** 63n - 1n) as never
    const account = { peer: signerOf(3).peer, incarnation: 'c'.repeat(32) as never }
    const boot = { counter: Number.MAX_SAFE_INTEGER, nonce: 'd'.repeat(32) as never }
    const granted = Array.from({ length: MAX_TRANSFERS }, () => {
      return { account, boot, cumulative: most, grant: new Uint8Array(32) }
    })
    const received = Array.from({ length: MAX_TRANSFERS }, () => new Uint8Array(32))
    const full = sealSlot({ ...slot, granted, received, initial: most, reserved: most, released: most }, mesh, walnut)
    expect(openSlot(full, mesh).granted).toHaveLength(MAX_TRANSFERS)
  })

  it('above its bound is refused before it is decoded', () => {
    expect(() => openSlot(new Uint8Array(MAX_SLOT_BYTES + 1), mesh)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})
