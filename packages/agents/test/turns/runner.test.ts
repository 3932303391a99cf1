import type { AgentId, EntryOf } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeChangeSet } from '../../src/change/encoding.ts'
import { ModelError, type ModelProvider } from '../../src/model/model.ts'
import { reviewReport } from '../../src/review/report.ts'
import type { ReviewTask } from '../../src/review/task.ts'
import { FakeBudget } from '../fakes/budget.ts'
import { turnOfLoop, until } from '../fakes/clock.ts'
import { CHANGE, House } from '../fakes/house.ts'
import { addedFile, agreeable, changeOf, claimAt, scriptedProvider } from '../fakes/model.ts'
import { reviewAt } from '../fakes/seats.ts'
import { agentAt, openEntry, peer } from '../fakes/world.ts'

let house: House
const use = (nodes: number) => {
  house = new House(nodes)
  return house
}
afterEach(() => house.close())

const willing = () => scriptedProvider(({ task }) => agreeable(task))
const verdictAt = (n: number) => house.world.node(n).entries('verdict')[0]
const verdictWritten = () => until(() => verdictAt(0) !== undefined, 'the verdict')

describe('agents on three nodes', () => {
  beforeEach(() => use(3))

  it('carry a review from its opening to its verdict without anybody else', async () => {
    const models = [willing(), willing(), willing()]
    for (const [n, { provider }] of models.entries()) await house.run(n, provider)
    house.world.node(0).write(openEntry(3))
    await verdictWritten()
    expect(verdictAt(2)).toMatchObject({ outcome: 'approved', round: 1 })
    expect(models.map(({ requests }) => requests.map(({ task }) => task.phase))).toEqual([
      ['findings', 'proposal', 'vote'],
      ['findings', 'vote'],
      ['findings', 'vote'],
    ])
  })

  it('verify each claim before it is written, and say so', async () => {
    const claims = [claimAt('a.ts', 1, 'export const broken = a /'), claimAt('a.ts', 2, 'eval(input)')]
    const finder = scriptedProvider(({ task }) =>
      task.phase === 'findings' ? { summary: 'two', findings: claims } : agreeable(task),
    )
    await house.run(0, finder.provider)
    for (const n of [1, 2]) await house.run(n, willing().provider)
    house.world.node(0).write(openEntry(3))
    await verdictWritten()
    const report = reviewReport(reviewAt(house.world.node(1)))
    expect(report.findings).toMatchObject([{ line: 2, verified: true, counted: true, role: 'architect' }])
    expect(report.unverified).toMatchObject([{ quote: 'eval(input)', verified: false, counted: false }])
    expect(report.coverage).toEqual([{ file: 'a.ts', readBy: ['architect', 'reviewer', 'security'], notReadBy: [] }])
  })

  it('never show a first reading what others found', async () => {
    const loud = scriptedProvider(({ task }) =>
      task.phase === 'findings'
        ? { summary: 's', findings: [claimAt('a.ts', 1, 'export const a = 1')] }
        : agreeable(task),
    )
    const late = willing()
    await house.run(0, loud.provider)
    house.world.node(0).write(openEntry(3))
    await until(() => house.world.node(0).entries('finding').length === 1)
    await house.run(1, late.provider)
    await until(() => late.requests.length > 0)
    expect(late.requests[0]?.prompt).not.toContain('wrong: export')
  })

  it('report each seat that times out, and escalate', async () => {
    for (const n of [0, 1]) await house.run(n, willing().provider)
    house.world.node(0).write(openEntry(3, { seatTimeoutMs: 60_000 }))
    await until(() => house.world.node(0).entries('finding').length === 2)
    expect(house.world.node(0).entries('timeout')).toEqual([])
    await house.clock.advance(61_000)
    await verdictWritten()
    expect(verdictAt(1)).toMatchObject({ outcome: 'escalated', reason: 'security absent' })
  })

  it('let a successor judge while the opener is gone', async () => {
    const livePeers = () => new Set([peer(1), peer(2)])
    for (const n of [1, 2]) await house.run(n, willing().provider, { livePeers })
    house.world.node(0).write(openEntry(3))
    await until(() => house.world.node(0).entries('finding').length === 2)
    await house.clock.advance(70_000)
    await verdictWritten()
    expect(house.world.changes.filter(({ entry }) => entry.type === 'verdict')).toHaveLength(1)
    expect(verdictAt(0)).toMatchObject({ outcome: 'escalated', reason: 'architect absent' })
  })
})

describe('an agent', () => {
  beforeEach(() => use(1))
  const open = () => house.world.node(0).write(openEntry(1))

  it('holds money for a turn before it asks, and writes what the turn cost', async () => {
    const budget = new FakeBudget()
    const order: string[] = []
    budget.around = async (moment) => void order.push(moment)
    const { provider } = scriptedProvider(({ task }) => {
      order.push(`asked ${task.phase}`)
      return agreeable(task)
    })
    await house.run(0, provider, { budget })
    open()
    await verdictWritten()
    expect(order.slice(0, 5)).toEqual([
      'before reserve',
      'after reserve',
      'asked findings',
      'before settle',
      'after settle',
    ])
    expect(house.world.node(0).entries('finding')).toMatchObject([
      { cost: '15', tokens: { input: 10, output: 5 }, model: 'model-1', author: agentAt(0) },
    ])
    expect(reviewReport(reviewAt(house.world.node(0))).cost.byNode).toEqual([{ peer: peer(0), amount: 45n }])
  })

  it('leaves a review alone that was archived, until somebody writes to it again', async () => {
    const { provider, requests } = willing()
    const node = house.world.node(0)
    open()
    const words = { author: `human:ana@${peer(0)}`, ts: 2, content: '' }
    node.write({ ...words, type: 'archive', id: 'archive-1' })
    await house.run(0, provider)
    await house.clock.advance(700_000)
    expect([requests.length, node.entries('timeout').length]).toEqual([0, 0])
    node.write({ ...words, type: 'message', id: 'message-1', content: 'it is not done yet' })
    await verdictWritten()
  })

  it('pauses when the budget refuses, says so once, and goes on by itself when there is money', async () => {
    const budget = new FakeBudget(10n)
    const { provider, requests } = willing()
    const agents = await house.run(0, provider, { budget })
    house.world.node(0).write(openEntry(1, { seatTimeoutMs: 600_000 }))
    await until(() => agents.cards()[0]?.status === 'paused', 'the pause')
    await house.clock.advance(20_000)
    expect(requests).toEqual([])
    expect(house.world.node(0).entries('note')).toMatchObject([
      { code: 'paused', content: expect.stringContaining('of 10') },
    ])
    expect(reviewReport(reviewAt(house.world.node(0)))).toMatchObject({ verdict: 'paused' })
    budget.raise(1_000_000n)
    await verdictWritten()
    expect(
      house.world
        .node(0)
        .entries('note')
        .map(({ code }) => code),
    ).toEqual(['paused', 'resumed'])
    expect(verdictAt(0)).toMatchObject({ outcome: 'approved' })
  })

  it('tries a paused turn again every few seconds, whether or not the budget speaks up', async () => {
    const budget = new FakeBudget(10n)
    await house.run(0, willing().provider, { budget })
    open()
    await until(() => house.kinds().includes('turn-paused'))
    budget.limit = 1_000_000n
    await house.clock.advance(5_000)
    await verdictWritten()
  })

  describe('while others may have what it lacks', () => {
    const notes = () => house.world.node(0).entries('note')

    it('goes on without a word when that comes soon', async () => {
      const budget = new FakeBudget(10n)
      budget.shared = true
      await house.run(0, willing().provider, { budget })
      open()
      await until(() => budget.waits === 1)
      await house.clock.advance(1_900)
      budget.raise(1_000_000n)
      await verdictWritten()
      expect(notes()).toEqual([])
    })

    it('waits without its place, says so once, and goes on at once when rights come', async () => {
      const budget = new FakeBudget(10n)
      budget.shared = true
      const { provider, requests } = willing()
      const agents = await house.run(0, provider, { budget })
      house.world.node(0).write(openEntry(1, { seatTimeoutMs: 600_000 }))
      await until(() => budget.waits === 1)
      await house.clock.advance(30_000)
      expect(agents.cards()[0]).toMatchObject({ status: 'paused', activeTurns: 0 })
      expect(notes()).toMatchObject([{ code: 'paused', content: expect.stringContaining('of 10') }])
      expect(reviewReport(reviewAt(house.world.node(0)))).toMatchObject({ verdict: 'paused' })
      expect(requests).toEqual([])
      budget.raise(1_000_000n)
      await verdictWritten()
      expect(notes().map(({ code }) => code)).toEqual(['paused', 'resumed'])
    })

    it('gives up when its seat is timed out meanwhile, and pays for nothing', async () => {
      const budget = new FakeBudget(10n)
      budget.shared = true
      await house.run(0, willing().provider, { budget })
      open()
      await until(() => budget.waits === 1)
      await house.clock.advance(3_000)
      await until(() => house.kinds().includes('turn-paused'))
      await house.clock.advance(70_000)
      await verdictWritten()
      budget.raise(1_000_000n)
      await turnOfLoop()
      expect(budget.charged).toBe(0n)
      expect(verdictAt(0)).toMatchObject({ outcome: 'escalated', reason: 'architect paused by budget' })
    })

    it('is taken up again by the next run, which says neither pause a second time', async () => {
      const budget = new FakeBudget(10n)
      budget.shared = true
      const agents = await house.run(0, willing().provider, { budget })
      open()
      await until(() => budget.waits === 1)
      await house.clock.advance(3_000)
      await until(() => house.kinds().includes('turn-paused'))
      await agents.close()
      await house.run(0, willing().provider, { budget })
      await until(() => budget.waits === 2)
      await house.clock.advance(3_000)
      budget.raise(1_000_000n)
      await verdictWritten()
      expect(notes().map(({ code }) => code)).toEqual(['paused', 'resumed'])
    })
  })

  it('that stays without money past the seat timeout is named as paused by budget', async () => {
    await house.run(0, willing().provider, { budget: new FakeBudget(10n) })
    open()
    await until(() => house.kinds().includes('turn-paused'))
    await house.clock.advance(66_000)
    await verdictWritten()
    expect(verdictAt(0)).toMatchObject({ outcome: 'escalated', reason: 'architect paused by budget' })
  })

  it('retries after what the provider asks for, each time with a call and a hold of its own', async () => {
    const budget = new FakeBudget()
    let asked = 0
    const { provider, requests } = scriptedProvider(({ task }) => {
      if (task.phase === 'findings' && asked++ < 2) {
        throw new ModelError('RATE_LIMITED', 'slow down', { billed: 'no', retryAfterMs: 7_000 })
      }
      return agreeable(task)
    })
    await house.run(0, provider, { budget })
    open()
    await until(() => asked === 1)
    await house.clock.advance(6_999)
    expect(asked).toBe(1)
    await house.clock.advance(1)
    await house.clock.advance(7_000)
    await verdictWritten()
    const findings = requests.filter(({ task }) => task.phase === 'findings').map(({ callId }) => callId)
    expect(new Set(findings).size).toBe(3)
    expect(findings.map((id) => budget.calls.get(id)?.actual)).toEqual([0n, 0n, 15n])
  })

  it('counts a failed call that may have been billed with its whole hold', async () => {
    const budget = new FakeBudget()
    let failed = false
    const { provider, requests } = scriptedProvider(({ task }) => {
      if (failed) return agreeable(task)
      failed = true
      throw new ModelError('CUT_OFF', 'gone', { billed: 'unknown' })
    })
    const naming: ModelProvider = {
      ...provider,
      complete: (request, options) => {
        options.onNamed?.('req-7')
        return provider.complete(request, options)
      },
    }
    await house.run(0, naming, { budget })
    open()
    await until(() => failed)
    await house.clock.advance(2_000)
    await verdictWritten()
    const lost = requests[0] && budget.calls.get(requests[0].callId)
    expect(lost).toMatchObject({ state: 'uncertain', reason: 'CUT_OFF: gone', requestId: 'req-7' })
    expect(BigInt(house.world.node(0).entries('finding')[0]?.cost ?? 0)).toBe((lost?.max ?? 0n) + 15n)
  })

  it('uses a reply whose usage is unclear, and says that nobody can tell what it cost', async () => {
    const { provider } = willing()
    const budget = new FakeBudget()
    const vague: ModelProvider = {
      ...provider,
      complete: async (request, options) => {
        const { reply, providerRequestId } = await provider.complete(request, options)
        return { reply, usage: null, unclear: 'total_tokens is 7', providerRequestId }
      },
    }
    await house.run(0, vague, { budget })
    open()
    await verdictWritten()
    const calls = [...budget.calls.values()]
    expect(calls).toHaveLength(3)
    expect(calls.every(({ actual, max, unclear }) => actual === max && unclear === 'total_tokens is 7')).toBe(true)
    const ended = house.facts.filter(({ type }) => type === 'call-ended')
    expect(ended[0]).toMatchObject({ error: null, usage: null, unclear: 'total_tokens is 7' })
  })

  it('asks again after a reply that is no answer, and keeps its cost', async () => {
    let asked = 0
    const { provider } = scriptedProvider(({ task }) => (asked++ === 0 ? 'sorry, what?' : agreeable(task)))
    await house.run(0, provider)
    open()
    await until(() => asked === 1)
    await house.clock.advance(2_000)
    await verdictWritten()
    expect(house.world.node(0).entries('finding')).toMatchObject([{ cost: '30' }])
  })

  it('that requests changes without a proven finding is asked again', async () => {
    let proposals = 0
    const { provider } = scriptedProvider(({ task }) => {
      if (task.phase !== 'proposal' || proposals++ > 0) return agreeable(task)
      return { outcome: 'changes_requested', blocking: ['nowhere-at-all#0'], content: 'a feeling' }
    })
    await house.run(0, provider)
    open()
    await until(() => proposals === 1)
    await house.clock.advance(30_000)
    await verdictWritten()
    expect(proposals).toBe(2)
    expect(verdictAt(0)).toMatchObject({ outcome: 'approved' })
  })

  it('reports itself unavailable when the attempts are used up, and the review does not wait for the timeout', async () => {
    const { provider, requests } = scriptedProvider(() => {
      throw new ModelError('UNAVAILABLE', 'down', { billed: 'no' })
    })
    const agents = await house.run(0, provider)
    open()
    await until(() => requests.length === 1)
    await house.clock.advance(5_000)
    await verdictWritten()
    expect(requests).toHaveLength(3)
    expect(verdictAt(0)).toMatchObject({ outcome: 'escalated', reason: 'architect unavailable' })
    expect(house.world.node(0).entries('note')).toMatchObject([{ code: 'unavailable', content: 'UNAVAILABLE: down' }])
    expect(agents.cards()).toMatchObject([{ status: 'unavailable' }])
    await house.clock.advance(60_000)
    expect(agents.cards()).toMatchObject([{ status: 'idle' }])
  })

  it('says what its attempts cost when none of them brought an answer', async () => {
    const budget = new FakeBudget()
    const { provider } = scriptedProvider(() => 'sorry, what?')
    await house.run(0, provider, { budget })
    open()
    await until(() => budget.calls.size === 1)
    await house.clock.advance(5_000)
    await verdictWritten()
    expect(house.world.node(0).entries('note')).toMatchObject([
      { code: 'unavailable', cost: '45', tokens: { input: 30, output: 15 } },
    ])
    expect(reviewReport(reviewAt(house.world.node(0))).cost).toEqual({
      total: 45n,
      byAgent: [{ agent: agentAt(0), role: 'architect', amount: 45n }],
      byNode: [{ peer: peer(0), amount: 45n }],
    })
  })

  it('does not repeat what cannot go better', async () => {
    const { provider, requests } = scriptedProvider(() => {
      throw new ModelError('AUTH', 'no such key', { billed: 'no' })
    })
    await house.run(0, provider)
    open()
    await verdictWritten()
    expect(requests).toHaveLength(1)
  })

  it('gives up a call that takes too long', async () => {
    const { provider, requests } = scriptedProvider(
      ({ task }, { signal }) =>
        new Promise((resolve, reject) => {
          if (requests.length > 1) resolve(agreeable(task))
          signal.addEventListener('abort', () => reject(new ModelError('ABORTED', 'aborted', { billed: 'unknown' })))
        }),
    )
    await house.run(0, provider, { limits: { callTimeoutMs: 30_000 } })
    house.world.node(0).write(openEntry(1, { seatTimeoutMs: 600_000 }))
    await until(() => requests.length === 1)
    await house.clock.advance(30_000)
    await until(() => house.kinds().includes('call-ended'))
    expect(house.facts.find(({ type }) => type === 'call-ended')).toMatchObject({ error: 'TIMEOUT', ms: 30_000 })
    await house.clock.advance(2_000)
    await verdictWritten()
  })

  it('waits for a change that no node at hand has yet', async () => {
    let there = false
    await house.run(0, willing().provider, { fetchBlob: async () => (there ? encodeChangeSet(CHANGE) : undefined) })
    open()
    await until(() => house.kinds().includes('turn-postponed'))
    there = true
    await house.clock.advance(5_000)
    await verdictWritten()
  })

  it('says on its card what it is doing', async () => {
    let answer: (value: object) => void = () => undefined
    const { provider, requests } = scriptedProvider(() => new Promise((resolve) => (answer = resolve)))
    const agents = await house.run(0, provider)
    let changes = 0
    agents.subscribe(() => changes++)
    expect(agents.cards()).toMatchObject([
      { id: agentAt(0), role: 'architect', status: 'idle', activeTurns: 0, simulated: false },
    ])
    open()
    await until(() => requests.length === 1)
    expect(agents.cards()).toMatchObject([{ status: 'busy', activeTurns: 1 }])
    expect(changes).toBe(1)
    answer({ summary: '', findings: [] })
  })
})

describe('a change larger than the window', () => {
  beforeEach(() => use(1))
  const files = ['a.ts', 'b.ts', 'c.ts'].map((path) => addedFile(path, Array(40).fill('x'.repeat(80))))
  const fetchBlob = async () => encodeChangeSet(changeOf(...files))
  const WINDOW = 6_000
  const shownFile = (task: ReviewTask) => (task.phase === 'findings' ? task.files.join() : '')

  it('is read file by file, each call with its own hold, into one entry that names every file', async () => {
    const budget = new FakeBudget()
    const { provider, requests } = scriptedProvider(
      ({ task }) => (task.phase === 'findings' ? { summary: `read ${task.files}`, findings: [] } : agreeable(task)),
      { window: WINDOW },
    )
    await house.run(0, provider, { budget, fetchBlob })
    house.world.node(0).write(openEntry(1))
    await verdictWritten()
    expect(requests.map(({ task }) => shownFile(task)).filter((file) => file !== '')).toEqual(['a.ts', 'b.ts', 'c.ts'])
    const [entry] = house.world.node(0).entries('finding')
    expect(entry).toMatchObject({ content: 'read a.ts\nread b.ts\nread c.ts', cost: '45' })
    expect(entry?.coverage.map(({ file, reviewed }) => `${file} ${reviewed}`)).toEqual([
      'a.ts true',
      'b.ts true',
      'c.ts true',
    ])
    expect(new Set([...budget.calls.values()].map(({ step }) => step))).toEqual(new Set([0, 1, 2]))
  })

  it('looks only at the calls of a step before it asks, and at all of them once, for the entry', async () => {
    const many = Array.from({ length: 30 }, (_, n) => addedFile(`${n}.ts`, Array(40).fill('x'.repeat(80))))
    const budget = new FakeBudget()
    await house.run(0, scriptedProvider(({ task }) => agreeable(task), { window: WINDOW }).provider, {
      budget,
      fetchBlob: async () => encodeChangeSet(changeOf(...many)),
    })
    house.world.node(0).write(openEntry(1))
    await verdictWritten()
    expect(budget.calls.size).toBe(32)
    expect(budget.callsRead).toBeLessThan(3 * budget.calls.size)
  })

  it('names the file that the model refuses to read, and goes on with the others', async () => {
    const { provider } = scriptedProvider(
      ({ task }) => {
        if (shownFile(task) === 'b.ts') throw new ModelError('REFUSED', 'not this one', { billed: 'unknown' })
        return agreeable(task)
      },
      { window: WINDOW },
    )
    await house.run(0, provider, { fetchBlob })
    house.world.node(0).write(openEntry(1))
    await verdictWritten()
    expect(reviewReport(reviewAt(house.world.node(0))).coverage).toContainEqual({
      file: 'b.ts',
      readBy: [],
      notReadBy: [{ role: 'architect', reason: 'REFUSED: not this one' }],
    })
  })

  it('pauses in the middle and does not pay twice for the files already read', async () => {
    const { provider, requests } = scriptedProvider(({ task }) => agreeable(task), { window: WINDOW })
    const budget = new FakeBudget(12_000n)
    budget.around = async (moment) => {
      if (moment === 'after settle') budget.limit = 100n
    }
    await house.run(0, provider, { budget, fetchBlob })
    house.world.node(0).write(openEntry(1))
    await until(() => house.kinds().includes('turn-paused'))
    const cost = () => reviewReport(reviewAt(house.world.node(0))).cost.total
    expect(cost()).toBe(15n)
    budget.around = async () => undefined
    budget.raise(1_000_000n)
    await verdictWritten()
    expect(cost()).toBe(budget.charged)
    const files = requests.map(({ task }) => shownFile(task)).filter((file) => file !== '')
    expect(files).toEqual(['a.ts', 'b.ts', 'c.ts'])
  })

  it('is not read further once the seat is timed out', async () => {
    const { provider, requests } = scriptedProvider(
      ({ task }) => {
        if (shownFile(task) === 'a.ts') house.world.node(0).write(timeoutOf(agentAt(0)))
        return agreeable(task)
      },
      { window: WINDOW },
    )
    await house.run(0, provider, { fetchBlob })
    house.world.node(0).write(openEntry(1))
    await verdictWritten()
    expect(requests).toHaveLength(1)
    expect(house.world.node(0).entries('finding')).toEqual([])
  })
})

describe('closing', () => {
  beforeEach(() => use(1))

  it('waits for the call in hand, settles it and writes its entry, but begins no other', async () => {
    let answer: (value: object) => void = () => undefined
    const budget = new FakeBudget()
    const { provider, requests } = scriptedProvider(() => new Promise((resolve) => (answer = resolve)))
    const agents = await house.run(0, provider, { budget })
    house.world.node(0).write(openEntry(1))
    await until(() => requests.length === 1)
    let closed = false
    const closing = agents.close().then(() => (closed = true))
    await turnOfLoop()
    expect(closed).toBe(false)
    answer({ summary: 'read', findings: [] })
    await closing
    await agents.close()
    expect(house.world.node(0).entries('finding')).toHaveLength(1)
    expect([...budget.calls.values()].map(({ state }) => state)).toEqual(['settled'])
    expect(house.clock.sleeping).toBe(0)
  })

  it('with an aborted signal ends the call in hand and leaves its hold uncertain', async () => {
    const budget = new FakeBudget()
    const { provider, requests } = scriptedProvider(
      (_request, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new ModelError('ABORTED', 'aborted', { billed: 'unknown' }))),
        ),
    )
    const agents = await house.run(0, provider, { budget })
    house.world.node(0).write(openEntry(1))
    await until(() => requests.length === 1)
    await agents.close({ signal: AbortSignal.abort() })
    expect([...budget.calls.values()].map(({ state }) => state)).toEqual(['uncertain'])
    expect(house.world.node(0).entries('note')).toEqual([])
  })

  it('does not wait for a retry', async () => {
    const { provider, requests } = scriptedProvider(() => {
      throw new ModelError('RATE_LIMITED', 'slow down', { billed: 'no', retryAfterMs: 60_000 })
    })
    const agents = await house.run(0, provider)
    house.world.node(0).write(openEntry(1))
    await until(() => requests.length === 1)
    await agents.close()
    expect(house.world.node(0).entries('note')).toEqual([])
  })
})

function timeoutOf(agent: AgentId): EntryOf<'timeout'> {
  const author = `system@${peer(0)}`
  return { type: 'timeout', id: 'timeout-1', author, ts: 0, content: '', phase: 'findings', round: 1, absent: [agent] }
}

describe('after a crash', () => {
  beforeEach(() => use(1))
  const never = new Promise<never>(() => undefined)

  /** Runs until the ledger or the thread reaches the moment, and stops dead there. */
  async function crashAt(moment: string): Promise<{ budget: FakeBudget; asked: number }> {
    const budget = new FakeBudget()
    let dead = false
    budget.around = async (at) => {
      if (at !== moment) return
      dead = true
      await never
    }
    const { provider, requests } = willing()
    house.world.node(0).write(openEntry(1))
    await house.run(0, provider, {
      budget,
      threads: moment === 'before append' ? deafThreads(() => (dead = true)) : house.world.node(0),
    })
    await until(() => dead, `the crash at ${moment}`)
    house.abandon()
    return { budget: budget.reopened(), asked: requests.length }
  }

  function deafThreads(died: () => void) {
    const node = house.world.node(0)
    return {
      view: () => node.view(),
      list: () => node.list(),
      subscribe: () => () => undefined,
      append: async () => {
        died()
        return never
      },
    }
  }

  it.each([
    ['before reserve', 0, 0n],
    ['after reserve', 0, 1n],
    ['before settle', 1, 1n],
  ])('%s, the turn is asked once more under a new hold, and the old hold stays', async (moment, asked, uncertain) => {
    const crashed = await crashAt(moment)
    expect(crashed.asked).toBe(asked)
    const { provider, requests } = willing()
    const agents = await house.run(0, provider, { budget: crashed.budget })
    await verdictWritten()
    expect(agents.recovered).toHaveLength(Number(uncertain))
    expect(requests.filter(({ task }) => task.phase === 'findings')).toHaveLength(1)
    const states = [...crashed.budget.calls.values()].map(({ state }) => state)
    expect(states.filter((state) => state === 'uncertain')).toHaveLength(Number(uncertain))
    expect(house.world.node(0).entries('finding')).toHaveLength(1)
  })

  it.each(['after settle', 'before append'])('%s, the paid reply is written without asking again', async (moment) => {
    const { budget } = await crashAt(moment)
    const { provider, requests } = willing()
    const agents = await house.run(0, provider, { budget })
    await verdictWritten()
    expect(agents.recovered).toMatchObject([{ agent: agentAt(0) }])
    expect(requests.map(({ task }) => task.phase)).toEqual(['proposal', 'vote'])
    expect(house.world.node(0).entries('finding')).toMatchObject([{ content: 'fine', cost: '15' }])
  })

  it('a paid reply is written even when the seat was timed out meanwhile', async () => {
    const { budget } = await crashAt('after settle')
    await house.clock.advance(61_000)
    house.world.node(0).write(timeoutOf(agentAt(0)))
    const { provider, requests } = willing()
    await house.run(0, provider, { budget })
    await verdictWritten()
    expect(verdictAt(0)).toMatchObject({ outcome: 'approved' })
    expect(requests.filter(({ task }) => task.phase === 'findings')).toEqual([])
  })

  it('a node that comes back late hears the others before it times them out', async () => {
    const { budget } = await crashAt('after reserve')
    await house.clock.advance(61_000)
    await house.run(0, scriptedProvider(() => never).provider, { budget })
    await house.clock.advance(9_000)
    expect(house.world.node(0).entries('timeout')).toEqual([])
    await house.clock.advance(6_000)
    expect(house.world.node(0).entries('timeout')).toHaveLength(1)
    house.abandon()
  })

  it('bounds the calls of a turn that crashes again and again', async () => {
    let budget = new FakeBudget()
    house.world.node(0).write(openEntry(1))
    let asked = 0
    for (let run = 0; run < 6; run++) {
      const dying = scriptedProvider(() => never)
      await house.run(0, dying.provider, { budget })
      await turnOfLoop(20)
      asked += dying.requests.length
      house.abandon()
      budget = budget.reopened()
    }
    expect(asked).toBe(4)
    await house.run(0, willing().provider, { budget })
    await house.clock.advance(15_000)
    await verdictWritten()
    expect(verdictAt(0)).toMatchObject({ reason: 'architect unavailable' })
  })
})
