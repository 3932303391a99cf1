import { type Alert, type PeerId, sealAlert } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { levelReached, rankOf } from '../../src/budget/alert-rules.ts'
import { GRACE_MS } from '../../src/budget/alerts.ts'
import { identityFromSeed } from '../../src/identity/identity.ts'
import { day, month } from '../counter/budget-and-mesh.ts'
import { type Home, identities, threeAlerts } from './three-alerts.ts'

const usd = (dollars: number) => BigInt(Math.round(dollars * 1e9)) as never
const toldBy = (homes: readonly Home[]) =>
  homes.flatMap(({ told }, place) => told.map(({ level, period }) => `${place} ${level} ${period}`))

describe('what is reached', () => {
  it.each([
    ['0', undefined],
    ['7.199999999', undefined],
    ['7.2', 'warning'],
    ['8.549999999', 'warning'],
    ['8.55', 'critical'],
    ['12', 'critical'],
  ])('at $%s of $9, with 80 and 95 %%, is %s', (spent, level) => {
    const amounts = { spent: usd(Number(spent)), limit: usd(9) }
    expect(levelReached(amounts, { warning: 800, critical: 950 })).toBe(level)
  })

  it('is nothing where nothing may be spent, and nothing before anything was', () => {
    expect(levelReached({ spent: usd(1), limit: usd(0) }, { warning: 800, critical: 950 })).toBeUndefined()
    expect(levelReached({ spent: usd(0), limit: usd(1) }, { warning: 0, critical: 950 })).toBeUndefined()
  })
})

describe('who tells', () => {
  const [a, b, c] = identities.map(({ peer }) => peer) as [PeerId, PeerId, PeerId]
  it.each<[string, PeerId, PeerId[], PeerId[], number]>([
    ['the first of all', a, [c, b, a, a], [b, c], 0],
    ['the last of all', c, [a, b, c], [a, b], 2],
    ['the first of those that are there', c, [a, b, c], [], 0],
    ['one without rights, after all with', a, [b, c], [b, c], 2],
    ['one without rights and alone', a, [b, c], [], 0],
  ])('%s', (_, self, holders, online, place) => {
    expect(rankOf(self, holders, new Set(online))).toBe(place)
  })
})

describe('an alert', () => {
  it('counts what was lost with ledgers that were given up, since nobody can spend that either', async () => {
    const world = await threeAlerts()
    world.spent[day] = '6'
    world.lost[day] = '1.20'
    await world.look()
    expect(world.homes.map(({ alerts }) => alerts.list())).toMatchObject(
      Array(3).fill([{ level: 'warning', spent: usd(7.2) }]),
    )
  })

  it('is told by one node, is known to all, and is not told again, whoever looks', async () => {
    const world = await threeAlerts()
    world.spent[day] = '7.50'
    const [first, second, third] = world.homes as [Home, Home, Home]
    expect(await third.alerts.look()).toBe(true)
    expect(toldBy(world.homes)).toEqual([])
    await world.look()
    expect(toldBy(world.homes)).toEqual([`0 warning ${day}`])
    for (const { alerts } of world.homes) {
      expect(alerts.list()).toMatchObject([{ level: 'warning', period: day, spent: usd(7.5), teller: first.peer }])
    }
    world.nowMs += 10 * GRACE_MS
    await second.restart()
    await world.look()
    expect(toldBy(world.homes)).toHaveLength(1)
    expect(second.facts.map(({ type }) => type)).toEqual(['alert-heard'])
  })

  it('is told by the next in the row when those before it do not, each waiting in its place', async () => {
    const world = await threeAlerts()
    world.spent[day] = '7.50'
    const [first, second, third] = world.homes as [Home, Home, Home]
    await world.look(second, third)
    world.nowMs += GRACE_MS
    await world.look(third, second)
    expect(toldBy(world.homes)).toEqual([`1 warning ${day}`])
    expect(first.alerts.list()).toHaveLength(1)
  })

  it('of a higher level is told after a lower one, and never a lower one after it', async () => {
    const world = await threeAlerts()
    world.spent[day] = '8'
    await world.look()
    world.spent[day] = '8.90'
    await world.look()
    world.spent[day] = '7.50'
    await world.look()
    world.spent[month] = '90'
    await world.look()
    expect(toldBy(world.homes)).toEqual([`0 warning ${day}`, `0 critical ${day}`, `0 critical ${month}`])
  })

  it('is told anew when the limit was raised and what is spent comes near to that one', async () => {
    const world = await threeAlerts()
    world.spent[day] = '8.90'
    await world.look()
    const { manifest } = world.manifest
    const limits = manifest.limits.map((limit) => (limit.dim === 'day' ? { ...limit, amount: usd(20) } : limit))
    world.manifest = { ...world.manifest, manifest: { ...manifest, version: 2, limits } }
    await world.look()
    expect(toldBy(world.homes)).toHaveLength(1)
    world.spent[day] = '17'
    await world.look()
    expect(toldBy(world.homes)).toEqual([`0 critical ${day}`, `0 warning ${day}`])
  })

  it('is told by each side of a partition, and by nobody once they see each other again', async () => {
    const world = await threeAlerts()
    const third = world.homes[2] as Home
    world.cutOff(third)
    world.spent[day] = '7.50'
    await world.look()
    expect(toldBy(world.homes)).toEqual([`0 warning ${day}`, `2 warning ${day}`])
    await world.heal()
    world.nowMs += 10 * GRACE_MS
    await world.look()
    expect(toldBy(world.homes)).toHaveLength(2)
  })

  it('that cannot be written is told to nobody, and told once the disk takes it', async () => {
    const world = await threeAlerts()
    const first = world.homes[0] as Home
    world.spent[day] = '7.50'
    first.room.broken = true
    await expect(first.alerts.look()).rejects.toThrow('the disk is full')
    expect(first.facts).toEqual([])
    first.room.broken = false
    await world.look()
    expect(toldBy(world.homes)).toEqual([`0 warning ${day}`])
  })

  it('of a period that is long over is forgotten', async () => {
    const world = await threeAlerts()
    const first = world.homes[0] as Home
    world.spent[day] = '7.50'
    await world.look()
    world.nowMs += 63 * 86_400_000
    await first.restart()
    expect(first.alerts.list()).toEqual([])
    expect(first.room.rows.size).toBe(0)
  })
})

describe('an alert of another node', () => {
  const stranger = identityFromSeed(new Uint8Array(32).fill(77))
  const body = (more: Partial<Alert>, teller: PeerId): Alert => {
    const figures = { limit: usd(9), spent: usd(8) }
    return { v: 1, period: day, level: 'warning', ...figures, teller, wallMs: 1, ...more }
  }

  it('that is forged or damaged costs the one who hands it on', async () => {
    const { homes, manifest } = await threeAlerts()
    const [first, second] = homes as [Home, Home]
    const forged = sealAlert(body({}, first.peer), manifest.mesh, stranger)
    await expect(second.alerts.receive(forged, first.peer)).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
    await expect(second.alerts.receive(forged.slice(0, 40), first.peer)).rejects.toMatchObject({
      name: 'ProtocolError',
    })
    expect(second.alerts.list()).toEqual([])
  })

  it.each<[string, Partial<Alert>, 'member' | 'stranger', string]>([
    ['signed by a stranger', {}, 'stranger', 'not-a-node'],
    ['of next year', { period: 'd:2027-11-22' as never }, 'member', 'out-of-date'],
    ['of last year', { period: 'm:2025-11' as never }, 'member', 'out-of-date'],
  ])('%s changes nothing', async (_, more, who, why) => {
    const { homes, manifest } = await threeAlerts()
    const [first, second] = homes as [Home, Home]
    const signer = who === 'stranger' ? stranger : identities[0]
    if (signer === undefined) throw new Error('there are three')
    await second.alerts.receive(sealAlert(body(more, signer.peer), manifest.mesh, signer), first.peer)
    expect(second.facts).toEqual([{ type: 'alert-refused', from: first.peer, why }])
    expect(second.room.rows.size).toBe(0)
  })

  it('one of many with other limits fills nobody’s disk', async () => {
    const { homes, manifest } = await threeAlerts()
    const [first, second] = homes as [Home, Home]
    const [signer] = identities
    if (signer === undefined) throw new Error('there are three')
    for (let limit = 1; limit <= 40; limit++) {
      await second.alerts.receive(
        sealAlert(body({ limit: usd(limit) }, signer.peer), manifest.mesh, signer),
        first.peer,
      )
    }
    expect(second.alerts.list()).toHaveLength(32)
  })
})

it('whoever sees what when, restarts, and loses links that come back: one node tells each level while all can talk', async () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant('spend' as const), cents: fc.integer({ min: 0, max: 300 }) }),
    fc.record({ type: fc.constant('look' as const), home: fc.nat({ max: 2 }), waitMs: fc.nat({ max: 2 * GRACE_MS }) }),
    fc.record({ type: fc.constant('restart' as const), home: fc.nat({ max: 2 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const world = await threeAlerts()
      let cents = 0
      for (const next of steps) {
        if (next.type === 'spend') cents = Math.min(900, cents + next.cents)
        else if (next.type === 'restart') await world.homes[next.home]?.restart()
        else {
          world.nowMs += next.waitMs
          const home = world.homes[next.home]
          world.spent[day] = (cents / 100).toFixed(2)
          if (home !== undefined) await world.look(home)
        }
      }
      const told = world.homes.flatMap((home) => home.told.map(({ level, period }) => `${level} ${period}`))
      expect(told.length).toBe(new Set(told).size)
      expect(told.indexOf(`warning ${day}`)).toBeLessThanOrEqual(Math.max(0, told.indexOf(`critical ${day}`)))
    }),
    { numRuns: 60 },
  )
})
