import type { Period } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { splitCap } from '../../src/shares.ts'
import { answer, callOf, period, reserved, thread } from '../bench.ts'
import { cents, type Home, type Mesh, openMesh } from './mesh.ts'

const DAY = 'd:2026-11-22' as Period
const HOUR = 3_600_000

/** A call that waits; `end` is what it came to, once it came to something. */
function wait(home: Home, amount: number, name: string, more: Parameters<typeof callOf>[2] = {}) {
  const patience = new AbortController()
  const waiting = { end: undefined as string | undefined, patience, done: Promise.resolve() }
  const reserving = home.budget.reserve(callOf(amount, name, more), patience.signal)
  waiting.done = reserving.then(({ status }) => {
    waiting.end = status
  })
  return waiting
}

/** What was begun has come to rest: nothing here waits for anything but promises. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** A call of ten cents turns out to have cost more; its model is not used again. */
async function overrun(home: Home, amount: number): Promise<void> {
  const held = await reserved(home.budget, callOf(0, 'dear', { model: 'm', outputTokens: 50_000 }))
  await home.budget.sent(held)
  await home.budget.lose(held, 'no answer came')
  await home.budget.settleByWord(held, cents(amount))
}

async function searches(mesh: Mesh, home: Home) {
  await settled()
  mesh.gossip()
  const end = await mesh.seek(home)
  await settled()
  return end
}

describe('a call that lacks rights', () => {
  it('waits, asks who has most, and goes on when they come', async () => {
    const mesh = await openMesh(['walnut', 'ironwood', 'acacia'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    await reserved(ironwood.budget, callOf(70, 'x'))
    const call = wait(walnut, 150, 'a')
    expect(await searches(mesh, walnut)).toBe('enough')
    expect(call.end).toBe('reserved')
    expect(mesh.home('acacia').facts.map(({ type }) => type)).toContain('granted')
    expect(ironwood.facts.map(({ type }) => type)).not.toContain('granted')
    expect(walnut.budget.waiting().calls).toEqual([])
  })

  it('gathers the last fragments of a budget from everybody', async () => {
    const mesh = await openMesh(['walnut', 'ironwood', 'acacia', 'elm'])
    for (const home of mesh.homes) await reserved(home.budget, callOf(70, home.name))
    const call = wait(mesh.home('walnut'), 20, 'a')
    await searches(mesh, mesh.home('walnut'))
    expect(call.end).toBe('reserved')
    const spent = mesh.homes.map(({ budget }) => period(budget, DAY).held)
    expect(spent.reduce<bigint>((sum, one) => sum + one, 0n)).toBe(cents(300))
  })

  it('does not ask when all that is known to be left would not do, and is told so when its patience ends', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    const call = wait(walnut, 400, 'a')
    expect(await searches(mesh, walnut)).toBe('enough')
    expect(ironwood.facts.filter(({ type }) => type.startsWith('grant'))).toEqual([])
    expect(walnut.budget.waiting()).toMatchObject({ needs: [], calls: [{ agent: 'architect', hopeful: false }] })
    call.patience.abort()
    await call.done
    expect(call.end).toBe('refused')
    expect(walnut.budget.waiting().calls).toEqual([])
  })

  it('takes nothing from anybody while an overrun would swallow all that is left, and says how much is missing', async () => {
    const mesh = await openMesh(['walnut', 'ironwood', 'acacia'])
    const walnut = mesh.home('walnut')
    await overrun(walnut, 900)
    const call = wait(walnut, 10, 'a')
    expect(await searches(mesh, walnut)).toBe('enough')
    expect(mesh.homes.flatMap(({ facts }) => facts).filter(({ type }) => type.startsWith('grant'))).toEqual([])
    expect(walnut.budget.waiting().calls).toMatchObject([{ refusal: { lacks: [{ period: DAY, amount: cents(810) }] } }])
    call.patience.abort()
    await call.done
    expect(call.end).toBe('refused')
  })

  it('makes up for an overrun that others can still pay', async () => {
    const mesh = await openMesh(['walnut', 'ironwood', 'acacia'])
    const walnut = mesh.home('walnut')
    await overrun(walnut, 200)
    expect(walnut.budget.waiting().needs).toEqual([])
    const call = wait(walnut, 90, 'a')
    await searches(mesh, walnut)
    expect(call.end).toBe('reserved')
    expect(period(walnut.budget, DAY)).toMatchObject({ rights: cents(290), available: 0n })
  })

  it('goes on when a held call costs less, without asking anybody', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const held = await reserved(home('walnut').budget, callOf(150, 'x'))
    await home('walnut').budget.sent(held)
    const call = wait(home('walnut'), 40, 'a')
    await settled()
    expect(call.end).toBeUndefined()
    await home('walnut').budget.settle(held, answer(100))
    await call.done
    expect(call.end).toBe('reserved')
  })

  it('goes on in the next day', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'], { limits: { day: cents(300), month: cents(9_000) } })
    const walnut = mesh.home('walnut')
    await reserved(walnut.budget, callOf(150, 'x'))
    const call = wait(walnut, 40, 'a')
    await settled()
    walnut.budget.waiting()
    expect(call.end).toBeUndefined()
    mesh.clock.ms += 13 * HOUR
    walnut.budget.waiting()
    await call.done
    expect(call.end).toBe('reserved')
  })

  it('waits for its thread too, and for all that it lacks at once', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    const cap = splitCap(
      cents(400),
      [walnut, ironwood].map(({ account }) => ({ account, weight: 1 })),
    )
    for (const { budget } of mesh.homes) await budget.openThread(thread(1), cap)
    const call = wait(walnut, 250, 'a', { thread: thread(1) })
    await searches(mesh, walnut)
    expect(call.end).toBe('reserved')
    const asked = ironwood.facts.filter(({ type }) => type === 'granted')
    expect(asked.map((fact) => 'period' in fact && fact.period)).toEqual([DAY, `t:${thread(1)}`])
  })

  it('is not made to wait for its agent or its own configuration: no other node can help', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'], { perAgentDaily: cents(10) })
    const call = wait(home('walnut'), 40, 'a')
    await call.done
    expect(call.end).toBe('refused')
  })

  it('is told when the budget is closed', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const reserving = home('walnut').budget.reserve(callOf(400, 'a'), new AbortController().signal)
    await settled()
    const told = expect(reserving).rejects.toMatchObject({ code: 'CLOSED' })
    await home('walnut').budget.close()
    await told
  })
})

describe('of calls that wait', () => {
  it('the oldest goes first, and a later small one does not eat what it waits for', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
    const large = wait(walnut, 200, 'large')
    await settled()
    mesh.gossip()
    expect(await walnut.budget.reserve(callOf(5, 'small'))).toMatchObject({
      status: 'refused',
      by: 'day',
      available: 0n,
    })
    await mesh.seek(walnut)
    await large.done
    expect(large.end).toBe('reserved')
    const small = wait(walnut, 5, 'small')
    await searches(mesh, walnut)
    expect(small.end).toBe('reserved')
    expect(period(ironwood.budget, DAY).granted).toBeGreaterThanOrEqual(cents(55))
  })

  it('one that nobody can help does not hold up the others', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const hopeless = wait(mesh.home('walnut'), 400, 'hopeless')
    await settled()
    mesh.gossip()
    await reserved(mesh.home('walnut').budget, callOf(100, 'small'))
    expect(hopeless.end).toBeUndefined()
    hopeless.patience.abort()
    await hopeless.done
  })

  it('two nodes with half each: the older gets both halves, whoever asks first', async () => {
    for (const first of ['walnut', 'ironwood']) {
      const mesh = await openMesh(['walnut', 'ironwood'])
      const [walnut, ironwood] = [mesh.home('walnut'), mesh.home('ironwood')]
      const older = wait(walnut, 200, 'older')
      await settled()
      mesh.clock.ms += 5
      const younger = wait(ironwood, 200, 'younger')
      await settled()
      await searches(mesh, mesh.home(first))
      await searches(mesh, walnut)
      expect([older.end, younger.end]).toEqual(['reserved', undefined])
      younger.patience.abort()
      await younger.done
    }
  })

  it('at the same moment at two nodes, one of them gets both halves', async () => {
    const mesh = await openMesh(['walnut', 'ironwood'])
    const calls = mesh.homes.map((home) => wait(home, 200, home.name))
    await settled()
    mesh.gossip()
    await Promise.all(mesh.homes.map((home) => mesh.seek(home)))
    await settled()
    expect(calls.map(({ end }) => end).toSorted()).toEqual(['reserved', undefined])
    for (const { patience, done } of calls) {
      patience.abort()
      await done
    }
  })

  it('no more are kept than fit into memory: one more is refused at once', async () => {
    const { home } = await openMesh(['walnut', 'ironwood'])
    const calls = Array.from({ length: 1_001 }, (_, index) => wait(home('walnut'), 400, `call-${index}`))
    await Promise.race(calls.map(({ done }) => done))
    expect(home('walnut').budget.waiting().calls).toHaveLength(1_000)
    for (const { patience } of calls) patience.abort()
    await Promise.all(calls.map(({ done }) => done))
    expect(calls.every(({ end }) => end === 'refused')).toBe(true)
  })
})

describe('a node that runs low', () => {
  it('asks before a call has to wait, and never for more than its part', async () => {
    const mesh = await openMesh(['walnut', 'ironwood', 'acacia', 'elm'])
    const walnut = mesh.home('walnut')
    expect(await searches(mesh, walnut)).toBe('enough')
    await reserved(walnut.budget, callOf(60, 'a'))
    expect(period(walnut.budget, DAY).available).toBe(cents(15))
    await searches(mesh, walnut)
    // 3.00 / (2 × √4)
    expect(period(walnut.budget, DAY).available).toBe(cents(60))
    mesh.clock.ms += HOUR
    expect(await searches(mesh, walnut)).toBe('enough')
  })
})
