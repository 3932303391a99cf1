import { guardState, type LevelLike, StateError } from '@bzzz/store'
import { describe, expect, it } from 'vitest'
import { openBudget } from '../src/budget.ts'
import type { BudgetFact } from '../src/facts.ts'
import { createAccount } from '../src/ledger/ledgers.ts'
import { verifyLedger } from '../src/ledger/verify.ts'
import { answer, callOf, manifestFor, NOON, period, prices, reserved, seededBytes, signer } from './bench.ts'
import { createMemoryLevel } from './memory-level.ts'

const DAY = 'd:2026-11-22'
const now = () => NOON
const randomBytes = seededBytes('frozen')

async function openOn(level: LevelLike) {
  const room = guardState(level).room('budget')
  const facts: BudgetFact[] = []
  const account = { peer: signer.peer, incarnation: await createAccount(room, { now, randomBytes }) }
  const observe = (fact: BudgetFact) => void facts.push(fact)
  const manifest = manifestFor(account)
  const budget = await openBudget({ room, manifest: () => manifest, signer, prices, now, randomBytes, observe })
  return { budget, room, facts }
}

describe('after a failed write', () => {
  it('nothing is reserved, sent, settled or sealed, and the budget says why', async () => {
    const level = createMemoryLevel()
    const { budget, facts } = await openOn(level)
    const call = await reserved(budget, callOf(10, 'a'))
    const changes: string[] = []
    budget.subscribe((changed) => changes.push(changed))
    const before = { report: budget.report().periods, synced: new Map(level.synced) }
    level.failWrites()
    await expect(budget.sent(call)).rejects.toMatchObject({ code: 'FROZEN', cause: { code: 'STATE_WRITE_FAILED' } })
    await expect(budget.reserve(callOf(10, 'b'))).rejects.toThrow(
      'nothing is reserved or sent until the node was restarted',
    )
    await expect(budget.settle(call, answer(1))).rejects.toMatchObject({ code: 'FROZEN' })
    await expect(budget.slots()).rejects.toMatchObject({ code: 'FROZEN' })
    expect(budget.report()).toMatchObject({ condition: 'frozen', periods: before.report })
    expect(level.synced).toEqual(before.synced)
    expect(changes).toEqual([])
    expect(facts.filter(({ type }) => type === 'frozen')).toMatchObject([{ cause: { code: 'STATE_WRITE_FAILED' } }])
  })

  it('everything that shared the batch, or waited behind it, is told', async () => {
    const level = createMemoryLevel()
    const { budget } = await openOn(level)
    level.failWrites()
    const results = await Promise.allSettled(
      Array.from({ length: 600 }, (_, index) => budget.reserve(callOf(0, `${index}`))),
    )
    expect(results.every(({ status }) => status === 'rejected')).toBe(true)
    await budget.close()
  })

  it('a restart goes on from what was synced', async () => {
    const level = createMemoryLevel()
    const { budget } = await openOn(level)
    await reserved(budget, callOf(10, 'a'))
    level.failWrites()
    await expect(budget.reserve(callOf(10, 'b'))).rejects.toMatchObject({ code: 'FROZEN' })
    const again = await openOn(createMemoryLevel(level.synced))
    expect(period(again.budget, DAY).held).toBe(100_000_000n)
    expect(await verifyLedger(again.room)).toMatchObject({ uncertain: 1 })
  })
})

describe('a store that is merely busy', () => {
  it('rejects what it could not take, and the next request goes through', async () => {
    const state = guardState(createMemoryLevel())
    const room = state.room('budget')
    let busy = false
    const account = { peer: signer.peer, incarnation: await createAccount(room, { now, randomBytes }) }
    const moody = {
      ...room,
      write: (operations: Parameters<typeof room.write>[0]) =>
        busy ? Promise.reject(new StateError('STATE_BUSY', 'full')) : room.write(operations),
    }
    const budget = await openBudget({
      room: moody,
      manifest: () => manifestFor(account),
      signer,
      prices,
      now,
      randomBytes,
    })
    busy = true
    await expect(budget.reserve(callOf(60, 'a'))).rejects.toMatchObject({ code: 'BUSY' })
    busy = false
    expect((await budget.reserve(callOf(60, 'a'))).status).toBe('reserved')
  })
})

describe('a closed budget', () => {
  it('finishes what was submitted, then refuses', async () => {
    const { budget } = await openOn(createMemoryLevel())
    const pending = budget.reserve(callOf(10, 'a'))
    await Promise.all([budget.close(), budget.close()])
    expect((await pending).status).toBe('reserved')
    await expect(budget.reserve(callOf(10, 'b'))).rejects.toMatchObject({ code: 'CLOSED' })
    expect(budget.report().condition).toBe('closed')
  })
})
