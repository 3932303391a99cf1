import { type Account, accountKey, type Period } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { createHints } from '../../src/grants/hints.ts'
import type { GrantRequest, Hint, Need } from '../../src/grants/request.ts'
import { nextDonor, seekRights } from '../../src/grants/seek.ts'
import { signerNamed } from '../bench.ts'
import { cents } from './mesh.ts'

const DAY = 'd:2026-11-22' as Period
const MONTH = 'm:2026-11' as Period
const account = (name: string): Account => ({ peer: signerNamed(name).peer, incarnation: '1'.repeat(32) as never })
const hint = (name: string, day: number, month = 0): Hint => ({
  account: account(name),
  spare: [
    { period: DAY, amount: cents(day) },
    { period: MONTH, amount: cents(month) },
  ],
})
const need = (period: Period, least: number, want = least): Need => ({ period, least: cents(least), want: cents(want) })
const none: ReadonlySet<string> = new Set()

describe('whom to ask', () => {
  it('is the richest for the oldest call, then for what is wished for besides', () => {
    const hints = [hint('ironwood', 5), hint('acacia', 9), hint('elm', 8)]
    expect(nextDonor([need(DAY, 20)], hints, none)).toEqual(account('acacia'))
    expect(nextDonor([need(DAY, 5, 9)], hints, none)).toEqual(account('acacia'))
    expect(nextDonor([need(DAY, 20)], hints, new Set([accountKey(account('acacia'))]))).toEqual(account('elm'))
  })

  it('counts all periods that lack, each alike', () => {
    const hints = [hint('ironwood', 100, 0), hint('acacia', 5, 50)]
    expect(nextDonor([need(DAY, 10), need(MONTH, 50)], hints, none)).toEqual(account('acacia'))
  })

  it('is nobody when nobody has any, or enough have been asked', () => {
    expect(nextDonor([need(DAY, 10)], [hint('ironwood', 0, 100)], none)).toBeUndefined()
    const asked = new Set(Array.from({ length: 8 }, (_, index) => String(index)))
    expect(nextDonor([need(DAY, 10)], [hint('ironwood', 10)], asked)).toBeUndefined()
  })
})

describe('hints', () => {
  it('are forgotten after a while, when a node does not answer, and beyond their number', () => {
    const clock = { ms: 0 }
    const hints = createHints({ own: account('walnut'), now: () => clock.ms })
    hints.hear(hint('walnut', 100))
    hints.hear(hint('ironwood', 10))
    hints.hear(hint('ironwood', 7))
    clock.ms += 60_000
    hints.hear(hint('acacia', 5))
    expect(hints.reachable(DAY)).toBe(cents(12))
    clock.ms += 40_000
    expect(hints.reachable(DAY)).toBe(cents(5))
    hints.drop(account('acacia'))
    expect(hints.fresh()).toEqual([])
    for (let index = 0; index < 200; index += 1) hints.hear(hint(`node-${index}`, 1))
    expect(hints.fresh()).toHaveLength(128)
  })
})

describe('a search', () => {
  const walnut = account('walnut')
  const request: GrantRequest = {
    ...{ to: { account: walnut, boot: { counter: 1, nonce: '2'.repeat(32) as never } }, sinceMs: 0, perSecond: 0 },
    needs: [],
  }
  const searching = (left: { needs: Need[] }, hints: readonly Hint[], signal = new AbortController().signal) => {
    const known = createHints({ own: walnut, now: () => 0 })
    for (const one of hints) known.hear(one)
    const asked: Account[] = []
    const credited: Uint8Array[] = []
    const budget = {
      waiting: () => left,
      requestTo: () => request,
      credit: async (grant: Uint8Array) => {
        credited.push(grant)
        return { status: 'refused', code: 'replayed', reason: '' } as const
      },
    }
    return { known, asked, credited, parts: { budget, hints: known, signal } }
  }

  it('goes on from one to the next while they do not answer or have nothing, and believes what they say is left', async () => {
    const { parts, asked, known } = searching({ needs: [need(DAY, 10)] }, [hint('ironwood', 9), hint('acacia', 5)])
    const end = await seekRights({
      ...parts,
      async ask(donor) {
        asked.push(donor)
        if (asked.length === 1) return undefined
        return { granting: { status: 'refused', code: 'nothing', reason: '' }, spare: [] }
      },
    })
    expect(end).toBe('asked')
    expect(asked).toEqual([account('ironwood'), account('acacia')])
    expect(known.reachable(DAY)).toBe(0n)
  })

  it('ends when nothing lacks any more', async () => {
    const left = { needs: [need(DAY, 10)] }
    const { parts, credited } = searching(left, [hint('ironwood', 9), hint('acacia', 5)])
    const grant = new Uint8Array([1])
    const end = await seekRights({
      ...parts,
      async ask() {
        left.needs = []
        return { granting: { status: 'granted', grants: [grant] }, spare: [] }
      },
    })
    expect([end, credited]).toEqual(['enough', [grant]])
  })

  it('asks nobody when nobody is known to have any, or it was called off', async () => {
    const ask = async (): Promise<never> => {
      throw new Error('nobody is to be asked')
    }
    expect(await seekRights({ ...searching({ needs: [need(DAY, 1)] }, []).parts, ask })).toBe('nobody')
    const off = AbortSignal.abort()
    expect(await seekRights({ ...searching({ needs: [need(DAY, 1)] }, [hint('elm', 1)], off).parts, ask })).toBe(
      'aborted',
    )
  })
})
