import { openManifest, type Period } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { signFirstManifest } from '../../src/manifest/first.ts'
import { allottedAccounts, initialOf, limitOf, rightsOf } from '../../src/periods/rights.ts'
import { parseUsd } from '../../src/usd.ts'
import { manifestFor, prices, SKEW_MS, signerNamed } from '../bench.ts'

const founding = ['walnut', 'ironwood', 'acacia', 'laptop'].map((name, index) => ({
  member: {
    peer: signerNamed(name).peer,
    label: name,
    role: name === 'laptop' ? ('laptop' as const) : ('node' as const),
    addrs: [],
  },
  account: name === 'laptop' ? null : { peer: signerNamed(name).peer, incarnation: String(index).repeat(32) as never },
  weight: index === 0 ? 2 : 1,
}))
const [walnut, ironwood] = founding.map(({ account }) => account)
if (!walnut || !ironwood) throw new Error('two accounts')
const midnight = Date.parse('2026-12-01T00:00:30Z')
const opened = signFirstManifest({
  ...{
    network: 'hive',
    owner: signerNamed('owner'),
    members: founding,
    limits: { day: parseUsd('1'), month: parseUsd('10') },
  },
  ...{
    perAgentDaily: null,
    thresholds: { warning: 800, critical: 950 },
    clockSkewMs: SKEW_MS,
    prices,
    now: () => midnight,
  },
})

describe('the first manifest', () => {
  it('founds a mesh that members can pin, signed by its owner', () => {
    expect(openManifest(opened.bytes, opened.mesh).manifest).toEqual(opened.manifest)
    expect(Buffer.from(opened.hash).toString('hex')).toBe(opened.mesh)
    expect(opened.manifest).toMatchObject({ version: 1, prevHash: null, network: 'hive', mints: [], closed: [] })
    expect(opened.manifest.members).toHaveLength(4)
  })

  it('splits the limits among the accounts by weight, rounded down', () => {
    const day = 'd:2026-12-01' as Period
    expect(allottedAccounts(opened.manifest, day)).toHaveLength(3)
    expect(initialOf(opened.manifest, walnut, day)).toBe(500_000_000n)
    expect(initialOf(opened.manifest, ironwood, 'm:2026-12' as Period)).toBe(2_500_000_000n)
    expect(limitOf(opened.manifest, day)).toBe(parseUsd('1'))
    expect(rightsOf(opened.manifest, { ...walnut, incarnation: 'f'.repeat(32) as never })).toBe('none')
  })

  it('reaches back far enough for a clock that is still before midnight', () => {
    expect(initialOf(opened.manifest, walnut, 'd:2026-11-30' as Period)).toBeGreaterThan(0n)
    expect(initialOf(opened.manifest, walnut, 'm:2026-11' as Period)).toBeGreaterThan(0n)
    expect(initialOf(opened.manifest, walnut, 'd:2026-11-29' as Period)).toBe(0n)
  })

  it('may be a mesh of one', () => {
    expect(initialOf(manifestFor(walnut).manifest, walnut, 'd:2026-11-22' as Period)).toBe(parseUsd('1'))
  })
})
