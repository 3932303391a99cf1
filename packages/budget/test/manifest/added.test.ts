import { type Period, successionOf } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { signAddedMember } from '../../src/manifest/added.ts'
import { callOf, manifestFor, openBench, reserved, signerNamed } from '../bench.ts'

const DAY = 'd:2026-11-22' as Period
const member = { peer: signerNamed('laptop').peer, label: 'ana', role: 'laptop' as const, addrs: [] }

describe('a version that adds a laptop', () => {
  const account = { peer: signerNamed('walnut').peer, incarnation: 'a'.repeat(32) as never }
  const first = manifestFor(account)
  const second = signAddedMember(first, member, signerNamed('owner'))

  it('follows the one before, and differs from it by that member alone', () => {
    expect(successionOf({ first, newest: first }, second)).toEqual({ status: 'newer' })
    const { version, prevHash, members, ...rest } = second.manifest
    expect({ version, prevHash }).toEqual({ version: 2, prevHash: Uint8Array.from(first.hash) })
    expect(members).toEqual([...first.manifest.members, member])
    expect({ ...first.manifest, ...rest }).toEqual(first.manifest)
  })

  it('is signed by the owner or not at all', () => {
    expect(() => signAddedMember(first, member, signerNamed('walnut'))).toThrow(/not the owner/)
  })

  it('changes no amount of a budget that runs, whose slots name it from then on', async () => {
    const bench = await openBench()
    let newest = bench.manifest
    const budget = await bench.reopen({ manifest: () => newest })
    await reserved(budget, callOf(1, 'a'))
    const before = budget.report()
    expect((await bench.slot(DAY))?.manifestVersion).toBe(1)
    newest = signAddedMember(newest, member, signerNamed('owner'))
    expect(budget.report()).toEqual(before)
    expect(budget.rights).toBe('allotted')
    await budget.acknowledge()
    await reserved(budget, callOf(2, 'b'))
    expect((await bench.slot(DAY))?.manifestVersion).toBe(2)
  })
})
