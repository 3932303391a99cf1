import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../src/bytes/cbor.ts'
import { sealSigned } from '../src/bytes/signing.ts'
import type { Period } from '../src/ids/ids.ts'
import { MAX_SLOT_BYTES, openSlot, type Slot, sealSlot, slotHash, slotKey } from '../src/slot/slot.ts'
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

describe('a slot', () => {
  it('has the bytes, hash and key of the spec', () => {
    const key = Buffer.from(slotKey(mesh, slot.period, account)).toString()
    expect({ sealed: hex(sealed), hash: hex(slotHash(sealed)), key }).toEqual(golden('slot'))
  })

  it('is read back as it was signed', () => {
    expect(openSlot(sealed, mesh)).toEqual(slot)
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

  it('above its bound is refused before it is decoded', () => {
    expect(() => openSlot(new Uint8Array(MAX_SLOT_BYTES + 1), mesh)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})
