import { expect, it } from 'vitest'
import { type Manifest, type ManifestChain, openManifest, sealManifest, successionOf } from '../src/index.ts'
import { signerOf } from './keys.ts'

const owner = signerOf(9)
const founding: Manifest = {
  ...{ v: 1, version: 1, prevHash: null, network: 'hive', createdMs: 1, owner: Uint8Array.from(owner.publicKey) },
  ...{ limits: [], perAgentDaily: null, thresholds: { warning: 800, critical: 950 } },
  members: [{ peer: signerOf(1).peer, label: 'walnut', role: 'node', addrs: [] }],
  ...{
    allotments: [],
    weights: [],
    mints: [],
    closed: [],
    heals: [],
    restored: null,
    clockSkewMs: 5_000,
    priceTableHash: new Uint8Array(32),
  },
}
const first = openManifest(sealManifest(founding, 'first', owner), 'first')

function versionOf(version: number, before: Uint8Array | null, change: Partial<Manifest> = {}, by = owner) {
  const prevHash = before === null ? null : Uint8Array.from(before)
  const body = { ...founding, owner: Uint8Array.from(by.publicKey), version, prevHash, ...change }
  return openManifest(sealManifest(body, first.mesh, by), first.mesh)
}
const second = versionOf(2, first.hash, { network: 'second' })
const chain: ManifestChain = { first, newest: second }

it('takes the version that follows its newest, and one further on by its number alone', () => {
  expect(successionOf(chain, versionOf(3, second.hash))).toEqual({ status: 'newer' })
  expect(successionOf(chain, versionOf(7, new Uint8Array(32)))).toEqual({ status: 'newer' })
  expect(successionOf({ first, newest: first }, second)).toEqual({ status: 'newer' })
})

it('knows its own newest again, and passes over what is older', () => {
  expect(successionOf(chain, second)).toEqual({ status: 'known' })
  expect(successionOf(chain, first)).toEqual({ status: 'older' })
})

it('keeps its own of two with one number, and takes none that follows the other', () => {
  const other = versionOf(2, first.hash, { network: 'other' })
  expect(successionOf(chain, other)).toEqual({ status: 'forked', version: 2 })
  expect(successionOf(chain, versionOf(3, other.hash))).toEqual({ status: 'forked', version: 2 })
})

it('refuses a version by anybody who calls himself the owner', () => {
  const usurped = versionOf(3, second.hash, {}, signerOf(8))
  expect(successionOf(chain, usurped)).toMatchObject({
    status: 'refused',
    reason: expect.stringMatching(/another key/),
  })
})

it('refuses a later version that follows none', () => {
  expect(successionOf(chain, versionOf(3, null))).toMatchObject({ status: 'refused' })
})
