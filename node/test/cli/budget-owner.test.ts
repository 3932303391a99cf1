import type { Period } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { ChangeRefused } from '../../src/budget/changes.ts'
import { nodeToAsk } from './node-to-ask.ts'

describe('what the owner changes', () => {
  it.each([
    ['budget', 'raise', 'day', '50'],
    ['budget', 'lower', 'day', '5'],
    ['budget', 'adopt', 'walnut'],
    ['remove', 'ironwood'],
  ])('is not changed before somebody said yes: %s %s %s', async (...args) => {
    const { ask, world } = await nodeToAsk()
    const asked = await ask(...args)
    expect(asked).toMatchObject({ code: 64, err: expect.arrayContaining([expect.stringContaining('say --yes')]) })
    expect(world.manifest.asked).toEqual([])
    expect(await ask(...args, '--yes')).toMatchObject({ code: 0, err: [] })
    expect(world.manifest.asked).toHaveLength(1)
  })

  it.each([
    ['budget', 'raise', 'day', '0.5'],
    ['budget', 'lower', 'month', '1'],
    ['budget', 'adopt', 'foo'],
    ['remove', 'foo'],
  ])('is refused before anybody is asked: %s %s %s', async (...args) => {
    const { ask, world } = await nodeToAsk()
    world.manifest.refusal = new ChangeRefused('CHANGE_REFUSED', 'that cannot be')
    expect(await ask(...args)).toMatchObject({ code: 64, out: '', err: ['bzzz: that cannot be.'] })
  })

  it('after a restore, a raise says when it begins and why, before and after it is signed', async () => {
    const { ask, world } = await nodeToAsk()
    world.manifest.standing = {
      ...world.manifest.standing,
      raisesFrom: { day: 'd:2026-11-23' as Period, month: 'm:2026-12' as Period },
    }
    const words = 'from 2026-11-23 (UTC) on: the owner key was restored, and no day that ran then gets more'
    const asked = await ask('budget', 'raise', 'day', '50')
    expect(asked.err[0]).toBe(`All nodes together may then spend $50.00 in a UTC day, ${words}.`)
    expect((await ask('budget', 'raise', 'day', '50', '--yes')).out.split('\n')[1]).toBe(`  it is so ${words}`)
    expect((await ask('budget', 'lower', 'day', '5', '--yes')).out).not.toContain('restored')
  })
})
