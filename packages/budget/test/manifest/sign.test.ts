import { type Period, successionOf } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { trimmed } from '../../src/manifest/book.ts'
import { signChange, sumsOf } from '../../src/manifest/sign.ts'
import { limitOf, mintsOf } from '../../src/periods/rights.ts'
import { parseUsd } from '../../src/usd.ts'
import { NOON, signerNamed } from '../bench.ts'
import { accountOf, type Desk, forkedFrom, nodeNamed, openDesk, owner } from './owner.ts'

const TODAY = 'd:2026-11-22'
const TOMORROW = 'd:2026-11-23'
const usd = parseUsd
const [walnut, ironwood, acacia, hazel] = ['walnut', 'ironwood', 'acacia', 'hazel'].map((name) => accountOf(name))
if (!walnut || !ironwood || !acacia || !hazel) throw new Error('four accounts')

const three = (day?: string, month?: string): Desk => openDesk(['walnut', 'ironwood', 'acacia'], day, month)
const acksOf = (desk: Desk, names: readonly (typeof walnut)[], opened = {}): void => {
  for (const name of names) desk.ack(name, opened)
}
const refusal = (desk: Desk, change: Parameters<Desk['change']>[0]): string => {
  const answer = desk.change(change)
  return answer.status === 'refused' ? answer.code : answer.status
}

describe('a change of the manifest', () => {
  it('is signed by the owner alone, and follows the newest', () => {
    const desk = three()
    const next = desk.sign({ kind: 'limit', dim: 'day', amount: usd('30') })
    expect(successionOf({ first: desk.first, newest: desk.first }, next)).toEqual({ status: 'newer' })
    const terms = { owner: signerNamed('walnut'), now: NOON }
    expect(() => signChange(desk.book, { kind: 'advance' }, terms)).toThrow(/not the owner/)
  })

  it('that says what is said already signs nothing', () => {
    const desk = three()
    expect(desk.change({ kind: 'advance' })).toEqual({ status: 'unchanged' })
    expect(desk.change({ kind: 'limit', dim: 'day', amount: usd('60') })).toEqual({ status: 'unchanged' })
    desk.sign({ kind: 'limit', dim: 'day', amount: usd('30') })
    expect(desk.change({ kind: 'limit', dim: 'day', amount: usd('30') })).toEqual({ status: 'unchanged' })
    expect(desk.change({ kind: 'advance' })).toEqual({ status: 'unchanged' })
  })
})

describe('a member that joins', () => {
  const join = { kind: 'add-member', member: nodeNamed('hazel'), account: hazel } as const

  it('gets its part from tomorrow on, as fast as the others acknowledge theirs', () => {
    const desk = three()
    desk.sign(join)
    expect(desk.newest().manifest.members.map(({ label }) => label)).toContain('hazel')
    expect(desk.allotment(walnut, TODAY)).toBe(usd('20'))
    expect([walnut, ironwood, acacia].map((one) => desk.allotment(one, TOMORROW))).toEqual(Array(3).fill(usd('15')))
    expect(desk.allotment(hazel, TOMORROW)).toBe(0n)
    expect(desk.change({ kind: 'advance' })).toEqual({ status: 'unchanged' })
    desk.ack(walnut, { [TODAY]: usd('20'), 'm:2026-11': usd('200') })
    desk.sign({ kind: 'advance' })
    expect(desk.allotment(hazel, TOMORROW)).toBe(usd('5'))
    acksOf(desk, [ironwood, acacia])
    desk.sign({ kind: 'advance' })
    expect(desk.allotment(hazel, TOMORROW)).toBe(usd('15'))
    expect(desk.allotment(hazel, 'm:2026-12')).toBe(usd('150'))
    expect(desk.change({ kind: 'advance' })).toEqual({ status: 'unchanged' })
  })

  it('gets nothing of what another has opened the next day with already', () => {
    const desk = three()
    desk.sign(join)
    acksOf(desk, [walnut, ironwood], { [TODAY]: usd('20') })
    desk.ack(acacia, { [TODAY]: usd('20'), [TOMORROW]: usd('20') })
    desk.sign({ kind: 'advance' })
    expect(desk.allotment(hazel, TOMORROW)).toBe(usd('10'))
    desk.clock.ms += 86_400_000
    desk.sign({ kind: 'advance' })
    expect(desk.allotment(hazel, 'd:2026-11-24')).toBe(usd('15'))
    expect(desk.allotment(hazel, TOMORROW)).toBe(usd('10'))
  })

  it('may be a laptop, which changes no right', () => {
    const desk = three()
    const ana = { ...nodeNamed('rowan'), label: 'ana', role: 'laptop' as const }
    const next = desk.sign({ kind: 'add-member', member: ana, account: null })
    const { version, prevHash, members, ...rest } = next.manifest
    expect({ ...desk.first.manifest, ...rest }).toEqual(desk.first.manifest)
    expect(members).toEqual([...desk.first.manifest.members, ana])
    expect(refusal(desk, { kind: 'add-member', member: ana, account: null })).toBe('known-member')
    expect(refusal(desk, { kind: 'adopt', account: accountOf('rowan') })).toBe('wrong-account')
  })
})

describe('a limit', () => {
  it('that is raised is minted for today at once, and grows from tomorrow', () => {
    const desk = three()
    const { manifest } = desk.sign({ kind: 'limit', dim: 'day', amount: usd('90') })
    expect(limitOf(manifest, TODAY as Period)).toBe(usd('90'))
    for (const account of [walnut, ironwood, acacia]) {
      expect(mintsOf(manifest, account, TODAY as Period).map(({ amount }) => amount)).toEqual([usd('10')])
      expect(desk.allotment(account, TODAY)).toBe(usd('20'))
      expect(desk.allotment(account, TOMORROW)).toBe(usd('30'))
    }
  })

  it('that is raised near midnight is minted for the next day too, which somebody may have opened', () => {
    const desk = three()
    desk.clock.ms = Date.parse('2026-11-22T23:59:30Z')
    const { mints } = desk.sign({ kind: 'limit', dim: 'day', amount: usd('90') }).manifest
    expect(new Set(mints.map(({ period }) => period))).toEqual(new Set([TODAY, TOMORROW]))
    expect(desk.allotment(walnut, TOMORROW)).toBe(usd('20'))
    expect(desk.allotment(walnut, 'd:2026-11-24')).toBe(usd('30'))
  })

  it('that is lowered shrinks the allotments, and says who has yet to acknowledge it', () => {
    const desk = three()
    desk.sign({ kind: 'limit', dim: 'day', amount: usd('30') })
    expect(desk.allotment(walnut, TOMORROW)).toBe(usd('10'))
    const sums = () => sumsOf(desk.book, desk.clock.ms).filter(({ period }) => period.startsWith('d:'))
    expect(sums()).toEqual([
      { period: TODAY, limit: usd('30'), believed: usd('60'), waitingFor: [], mayExceedBy: usd('30') },
      {
        ...{ period: TOMORROW, limit: usd('30'), believed: usd('60'), mayExceedBy: usd('30') },
        waitingFor: [walnut, ironwood, acacia],
      },
    ])
    acksOf(desk, [walnut, ironwood], { [TODAY]: usd('20') })
    expect(sums()[1]).toMatchObject({ believed: usd('40'), waitingFor: [acacia], mayExceedBy: usd('10') })
    desk.ack(acacia)
    expect(sums()[1]).toMatchObject({ believed: usd('30'), waitingFor: [], mayExceedBy: 0n })
  })

  it('that is lowered and raised again the same day mints nothing that is spendable already', () => {
    const desk = three()
    desk.sign({ kind: 'limit', dim: 'day', amount: usd('30') })
    const { mints } = desk.sign({ kind: 'limit', dim: 'day', amount: usd('60') }).manifest
    expect(mints).toEqual([])
    expect(desk.allotment(walnut, TOMORROW)).toBe(usd('20'))
    expect(desk.sign({ kind: 'limit', dim: 'day', amount: usd('63') }).manifest.mints).toHaveLength(3)
  })

  it('counts every mint ever signed', () => {
    const desk = three()
    desk.sign({ kind: 'limit', dim: 'day', amount: usd('90') })
    desk.sign({ kind: 'limit', dim: 'day', amount: usd('60') })
    expect(desk.newest().manifest.mints).toHaveLength(3)
    expect(desk.sign({ kind: 'limit', dim: 'day', amount: usd('90') }).manifest.mints).toHaveLength(3)
    desk.clock.ms += 3 * 86_400_000
    expect(desk.sign({ kind: 'limit', dim: 'month', amount: usd('500') }).manifest.mints).toEqual([])
  })
})

describe('a member that goes', () => {
  it('leaves its part to the others from the first day that it cannot have opened', () => {
    const desk = three()
    const { manifest } = desk.sign({ kind: 'remove-member', peer: acacia.peer, how: 'attested' })
    expect(manifest.members).toHaveLength(2)
    expect(manifest.closed).toEqual([
      { account: acacia, fromDay: TOMORROW, fromMonth: 'm:2026-12', attestedBy: owner.peer },
    ])
    expect([walnut, acacia].map((one) => desk.allotment(one, TOMORROW))).toEqual([usd('30'), 0n])
    expect(desk.allotment(walnut, TODAY)).toBe(usd('20'))
    expect(sumsOf(desk.book, NOON)[0]).toMatchObject({ period: TODAY, believed: usd('60') })
  })

  it('may not be the last that has a part, nor one who is no member', () => {
    const desk = openDesk(['walnut'])
    expect(refusal(desk, { kind: 'remove-member', peer: walnut.peer, how: 'left' })).toBe('last-account')
    expect(refusal(desk, { kind: 'remove-member', peer: acacia.peer, how: 'left' })).toBe('not-a-member')
  })

  it('whose ledger is lost goes on with the part of the old one', () => {
    const desk = three()
    const again = accountOf('acacia', 7)
    desk.sign({ kind: 'adopt', account: again })
    expect(desk.newest().manifest.closed).toMatchObject([{ account: acacia }])
    expect([acacia, again].map((one) => desk.allotment(one, TOMORROW))).toEqual([0n, usd('20')])
    expect(desk.allotment(again, TODAY)).toBe(0n)
    expect(refusal(desk, { kind: 'adopt', account: acacia })).toBe('wrong-account')
  })

  it('and was alone gets a named sum of the running month', () => {
    const desk = openDesk(['walnut'], '10', '100')
    const again = accountOf('walnut', 7)
    desk.sign({ kind: 'adopt', account: again })
    const { manifest } = desk.sign({ kind: 'reissue', dim: 'month', by: usd('25'), account: again })
    expect(limitOf(manifest, 'm:2026-11' as Period)).toBe(usd('125'))
    expect(limitOf(manifest, 'm:2026-12' as Period)).toBe(usd('100'))
    expect(mintsOf(manifest, again, 'm:2026-11' as Period)).toMatchObject([{ amount: usd('25') }])
    expect(desk.allotment(again, 'm:2026-12')).toBe(usd('100'))
  })
})

describe('two versions with one number', () => {
  it('stop every change until one names both, which believes each account the larger', () => {
    const desk = three()
    const fork = forkedFrom(desk.first, {
      allotments: desk.first.manifest.allotments.map((entry) =>
        entry.account.peer === walnut.peer ? { ...entry, amount: usd('40') } : entry,
      ),
    })
    const ours = desk.sign({ kind: 'limit', dim: 'day', amount: usd('30') })
    expect(refusal(desk, { kind: 'heal' })).toBe('not-forked')
    desk.book = { ...desk.book, forks: [fork] }
    expect(refusal(desk, { kind: 'advance' })).toBe('forked')
    const healed = desk.sign({ kind: 'heal' })
    expect(healed.manifest.heals).toEqual([Uint8Array.from(ours.hash), Uint8Array.from(fork.hash)])
    for (const newest of [ours, fork]) {
      expect(successionOf({ first: desk.first, newest }, healed)).toEqual({ status: 'newer' })
    }
    const tomorrow = () => sumsOf(desk.book, NOON).find(({ period }) => period === TOMORROW)?.believed
    expect(tomorrow()).toBe(usd('80'))
    desk.ack(walnut, {}, fork)
    acksOf(desk, [ironwood, acacia])
    expect(tomorrow()).toBe(usd('60'))
    desk.ack(walnut)
    expect(tomorrow()).toBe(usd('30'))
    expect(desk.change({ kind: 'advance' })).toEqual({ status: 'unchanged' })
    expect(trimmed(desk.book, NOON).forks).toEqual([])
  })
})

describe("an owner's key that came back from a backup", () => {
  it('signs nothing from a chain that an account is ahead of', () => {
    const desk = three()
    const lost = forkedFrom(desk.first, {})
    desk.ack(walnut, {}, lost)
    expect(refusal(desk, { kind: 'limit', dim: 'day', amount: usd('30') })).toBe('behind')
  })

  it('refuses in words what a member with an absurd claim leaves no room for', () => {
    const desk = three()
    desk.ack(acacia, { [TODAY]: (2n ** 63n - 1n) as never })
    expect(refusal(desk, { kind: 'reissue', dim: 'day', by: usd('5'), account: walnut })).toBe('over-limit')
  })

  it('goes on without a member that names a version which nobody signed', () => {
    const desk = three()
    const lie = { ...forkedFrom(desk.first, {}), hash: new Uint8Array(32) }
    const version = Number.MAX_SAFE_INTEGER
    desk.ack(acacia, {}, { ...lie, manifest: { ...lie.manifest, version } })
    for (const account of [walnut, ironwood]) desk.ack(account, { [TODAY]: usd('20') })
    expect(refusal(desk, { kind: 'remove-member', peer: acacia.peer, how: 'attested' })).toBe('behind')
    expect(desk.sign({ kind: 'restore', gone: [acacia] }).manifest.version).toBe(1_001)
    for (const account of [walnut, ironwood]) desk.ack(account, { [TODAY]: usd('20') })
    desk.sign({ kind: 'remove-member', peer: acacia.peer, how: 'attested' })
    desk.sign({ kind: 'limit', dim: 'day', amount: usd('90') })
    expect(desk.allotment(walnut, TOMORROW)).toBe(usd('45'))
  })

  it('waits until everybody acknowledged or is gone, and then raises only what no clock can have opened', () => {
    const desk = three()
    const lost = forkedFrom(desk.first, {})
    for (const account of [walnut, ironwood]) desk.ack(account, {}, lost)
    expect(refusal(desk, { kind: 'restore', gone: [acacia] })).toBe('behind')
    desk.book = { ...desk.book, versions: [desk.first, lost] }
    expect(refusal(desk, { kind: 'restore', gone: [] })).toBe('restoring')
    const restored = desk.sign({ kind: 'restore', gone: [acacia] })
    expect(restored.manifest.version).toBe(1_002)
    expect(restored.manifest.restored).toEqual({ version: 1_002, beforeDay: TOMORROW, beforeMonth: 'm:2026-12' })
    expect(refusal(desk, { kind: 'limit', dim: 'day', amount: usd('30') })).toBe('restoring')
    desk.ack(walnut, { [TODAY]: usd('20') })
    expect(refusal(desk, { kind: 'advance' })).toBe('restoring')
    desk.ack(ironwood, { [TODAY]: usd('20') })
    desk.sign({ kind: 'advance' })
    expect([walnut, ironwood, acacia].map((one) => desk.allotment(one, TOMORROW))).toEqual([usd('30'), usd('30'), 0n])
    const { manifest } = desk.sign({ kind: 'limit', dim: 'day', amount: usd('90') })
    expect(manifest.mints).toEqual([])
    expect(limitOf(manifest, TODAY as Period)).toBe(usd('60'))
    expect(limitOf(manifest, TOMORROW as Period)).toBe(usd('90'))
    expect(desk.allotment(walnut, TOMORROW)).toBe(usd('45'))
  })

  it('gives a machine that is alone a sum that its operator names, and the rest from the next period on', () => {
    const desk = openDesk(['walnut'], '10', '100')
    const again = accountOf('walnut', 7)
    desk.sign({ kind: 'restore', gone: [walnut] })
    desk.sign({ kind: 'adopt', account: again })
    for (const dim of ['day', 'month'] as const) desk.sign({ kind: 'reissue', dim, by: usd('5'), account: again })
    expect(refusal(desk, { kind: 'advance' })).toBe('restoring')
    const { manifest } = desk.newest()
    expect(mintsOf(manifest, again, TODAY as Period)).toMatchObject([{ amount: usd('5') }])
    expect(mintsOf(manifest, again, 'm:2026-11' as Period)).toMatchObject([{ amount: usd('5') }])
    expect([TODAY, TOMORROW].map((day) => desk.allotment(again, day))).toEqual([0n, usd('10')])
  })
})

it('a book forgets versions that nobody opens periods by any more', () => {
  const desk = three()
  desk.sign({ kind: 'limit', dim: 'day', amount: usd('30') })
  desk.sign({ kind: 'limit', dim: 'day', amount: usd('31') })
  acksOf(desk, [walnut, ironwood])
  expect(trimmed(desk.book, NOON).versions).toHaveLength(3)
  desk.ack(acacia)
  expect(trimmed(desk.book, NOON).versions).toHaveLength(1)
  desk.sign({ kind: 'remove-member', peer: acacia.peer, how: 'attested' })
  acksOf(desk, [walnut, ironwood])
  expect(trimmed(desk.book, NOON).acks.size).toBe(3)
  expect(trimmed(desk.book, NOON + 40 * 86_400_000).acks.size).toBe(2)
})
