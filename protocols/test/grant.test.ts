import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../src/bytes/cbor.ts'
import { sealSigned } from '../src/bytes/signing.ts'
import { type Grant, grantHash, MAX_GRANT_BYTES, openGrant, readGrant, sealGrant } from '../src/grant/grant.ts'
import type { Period } from '../src/ids/ids.ts'
import { golden, hex, mesh, otherMesh, signerOf } from './keys.ts'

const [walnut, ironwood] = [signerOf(1), signerOf(2)]
const accountOf = (signer: typeof walnut, digit: string) => {
  return { peer: signer.peer, incarnation: digit.repeat(32) as never }
}
const grant: Grant = {
  ...{ v: 1, period: 'd:2026-11-22' as Period },
  ...{ from: accountOf(walnut, '1'), boot: { counter: 3, nonce: 'a'.repeat(32) as never } },
  to: { account: accountOf(ironwood, '2'), boot: { counter: 7, nonce: 'b'.repeat(32) as never } },
  ...{ cumulative: 1_500_000_000n as never, seq: 42 },
}
const sealed = sealGrant(grant, mesh, walnut)

describe('a grant', () => {
  it('has the bytes and the hash of the spec', () => {
    expect({ sealed: hex(sealed), hash: hex(grantHash(sealed)) }).toEqual(golden('grant'))
  })

  it('is read back as it was signed, also without asking for the signature again', () => {
    expect(openGrant(sealed, mesh)).toEqual(grant)
    expect(readGrant(sealed)).toEqual(grant)
  })

  it('with the longest of everything stays within its bound', () => {
    const most = { counter: Number.MAX_SAFE_INTEGER, nonce: 'f'.repeat(32) as never }
    const long: Grant = {
      ...{ v: 1, period: 't:019aa1b2-c3d4-7000-8000-000000000001' as Period, from: grant.from, boot: most },
      ...{ to: { ...grant.to, boot: most }, cumulative: (2n ** 63n - 1n) as never, seq: Number.MAX_SAFE_INTEGER },
    }
    expect(openGrant(sealGrant(long, mesh, walnut), mesh)).toEqual(long)
  })

  it('is bound to its mesh, its donor and its words', () => {
    const forged = expect.objectContaining({ code: 'BAD_SIGNATURE' })
    expect(() => openGrant(sealed, otherMesh)).toThrow(forged)
    expect(() => openGrant(sealGrant(grant, mesh, ironwood), mesh)).toThrow(forged)
    expect(() => openGrant(sealSigned('slot', mesh, encodeCanonical(grant), walnut), mesh)).toThrow(forged)
  })

  it.each<[string, object, string]>([
    ["of an agent's day, which never leaves its node,", { period: 'a:architect:2026-11-22' }, 'never leaves its node'],
    ['of nothing', { cumulative: 0n }, 'gives nothing'],
    ['to the donor itself', { to: { ...grant.to, account: grant.from } }, 'gives to itself'],
    ['to an account without an opening', { to: { account: grant.to.account } }, 'to.boot'],
    ['without a number', { seq: 0 }, 'seq'],
    ['above what a record can hold', { cumulative: 2n ** 63n }, 'cumulative'],
    ['with a field that nobody knows', { extra: 1 }, 'extra'],
  ])('%s is refused', (_, change, words) => {
    const bytes = sealGrant({ ...grant, ...change } as Grant, mesh, walnut)
    const refusal = expect.objectContaining({ code: 'BAD_SHAPE', message: expect.stringContaining(words) })
    expect(() => openGrant(bytes, mesh)).toThrow(refusal)
    expect(() => readGrant(bytes)).toThrow(refusal)
  })

  it('above its bound is refused before it is decoded', () => {
    expect(() => openGrant(new Uint8Array(MAX_GRANT_BYTES + 1), mesh)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})
