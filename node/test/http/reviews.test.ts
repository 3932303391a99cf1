import {
  type AgentId,
  type ChangeSet,
  type Entry,
  type EntryOf,
  type Finding,
  problem,
  proposalHash,
  type ReviewPhase,
  reviewOpened,
  reviewPlan,
  reviewReport,
  sha256,
  type ThreadId,
  type TurnId,
  turnIdOf,
} from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { answerOf, doorsUnderTest, withToken } from './doors-under-test.ts'
import { acacia, BLOB, ironwood, NOW, openEntry, usd, walnut } from './mesh-of-three.ts'

const change: ChangeSet = {
  v: 1,
  repository: 'shop',
  base: 'a'.repeat(40),
  head: 'b'.repeat(40),
  title: 'Cache the cart',
  files: [
    { path: 'src/cart.ts', status: 'modified', hunks: [], text: 'export {}\n' },
    { path: 'logo.png', status: 'added', hunks: [], omitted: 'binary' },
  ],
  lockfiles: [],
}
const architect = `architect@${walnut}` as AgentId
const reviewer = `reviewer@${ironwood}` as AgentId

const post = (body: object, headers: Record<string, string> = {}) => ({
  method: 'POST' as const,
  url: '/api/reviews',
  body: { change, required: ['architect', 'reviewer'], ...body },
  headers: { ...withToken, ...headers },
})

describe('POST /api/reviews', () => {
  it('opens a review and tells its terms', async () => {
    const { agents, threads } = doorsUnderTest()
    const answer = answerOf(
      await agents.inject(post({ budget_usd: 2, rounds: 2, seat_timeout_s: 60 })),
      201,
      reviewOpened,
    )
    expect(answer.terms).toEqual({
      change: { repository: 'shop', base: change.base, head: change.head, title: change.title, files: 2, bytes: 1234 },
      seats: [
        { role: 'architect', agent: architect, node_id: 'walnut', model: 'offline-rules', simulated: true },
        { role: 'reviewer', agent: reviewer, node_id: 'ironwood', model: 'offline-rules', simulated: true },
      ],
      rounds: 2,
      seat_timeout_s: 60,
      budget_usd: 2,
    })
    expect(threads.threads.has(answer.thread as ThreadId)).toBe(true)
  })

  it('takes the cap to the nano-dollar', async () => {
    const { agents, reviews } = doorsUnderTest()
    const orders: unknown[] = []
    const plan = reviews.plan.bind(reviews)
    reviews.plan = async (order) => {
      orders.push(order.budget)
      return plan(order)
    }
    for (const budget_usd of [0.000000001, 0.1 + 0.2, undefined])
      await agents.inject(post({ budget_usd, dry_run: true }))
    expect(orders).toEqual([1n, usd(0.3), null])
  })

  it('only plans on a dry run: the highest cost is the cap where that is lower', async () => {
    const { agents, reviews } = doorsUnderTest()
    const free = answerOf(await agents.inject(post({ dry_run: true })), 200, reviewPlan)
    const capped = answerOf(await agents.inject(post({ dry_run: true, budget_usd: 0.5 })), 200, reviewPlan)
    expect([free.highest_cost_usd, capped.highest_cost_usd]).toEqual([1.5, 0.5])
    expect([free.bound_usd, capped.bound_usd]).toEqual([1.5, 1.5])
    reviews.day = usd(0.25)
    const limited = answerOf(await agents.inject(post({ dry_run: true, budget_usd: 0.5 })), 200, reviewPlan)
    expect(limited).toMatchObject({ highest_cost_usd: 0.25, bound_usd: 1.5, day_limit_usd: 0.25 })
    expect(free.omitted).toEqual([{ file: 'logo.png', reason: 'binary' }])
    expect(reviews.opened).toBe(0)
  })

  it('refuses a cap under which no call is ever held, and names the smallest that does', async () => {
    const { agents, reviews } = doorsUnderTest()
    reviews.least = { anyCall: usd(0.0213), eachSeat: usd(0.0639) }
    for (const dry_run of [true, false]) {
      const answer = answerOf(await agents.inject(post({ budget_usd: 0.02, dry_run })), 400, problem)
      expect(answer.code).toBe('REQUEST_INVALID')
      expect(answer.detail).toMatch(
        /cap of \$0\.02 .* \$0\.0213 or more\. .* each seat can make one call is \$0\.0639\./,
      )
    }
    expect(reviews.opened).toBe(0)
  })

  it('names the roles that nobody takes', async () => {
    const { agents } = doorsUnderTest()
    for (const dry_run of [true, false]) {
      const answer = answerOf(await agents.inject(post({ required: ['architect', 'security'], dry_run })), 409, problem)
      expect(answer.code).toBe('ROLES_MISSING')
      expect(answer.detail).toContain('security')
    }
  })

  it('opens once for one idempotency key', async () => {
    const { agents, reviews } = doorsUnderTest()
    const answers = await Promise.all([1, 2].map(() => agents.inject(post({}, { 'idempotency-key': 'k' }))))
    expect(answers[0]?.body).toBe(answers[1]?.body)
    expect(reviews.opened).toBe(1)
  })

  it.each([
    { required: [] },
    { required: ['architect', 'architect'] },
    { rounds: 0 },
    { budget_usd: -1 },
    { budget_usd: 1e9 },
  ])('refuses %j', async (body) => {
    const { agents } = doorsUnderTest()
    expect(answerOf(await agents.inject(post(body)), 400, problem).code).toBe('REQUEST_INVALID')
  })

  it('wants the token', async () => {
    const { agents } = doorsUnderTest()
    expect((await agents.inject({ ...post({}), headers: {} })).statusCode).toBe(401)
  })
})

/** A review of walnut's architect and ironwood's reviewer, with the entries that a test adds. */
async function reviewWith(entries: (thread: ThreadId) => Entry[], doors = doorsUnderTest()) {
  const order = { change, required: ['architect', 'reviewer'], budget: null, rounds: 3, seatTimeoutMs: 1000 }
  const plan = await doors.reviews.plan(order)
  if (plan.status !== 'ready') throw new Error('no seats')
  const cap = { amount: '2000000000', shares: [] }
  const { thread } = await doors.threads.create({ ...openEntry('a review'), review: plan.terms, cap })
  for (const entry of entries(thread)) await doors.threads.append(thread, entry)
  return answerOf(await doors.agents.inject(`/api/reviews/${thread}`), 200, reviewReport)
}

const base = (author: string, id: string) => ({ id, author, ts: NOW, content: `by ${author}` })
const turnOf = (thread: ThreadId, phase: ReviewPhase, agent: AgentId): TurnId =>
  turnIdOf({ thread, phase, round: 1, agent })

function findingOf(line: number, verified = true): Finding {
  const quote = 'const cart = new Map()'
  return { severity: 'high', file: 'src/cart.ts', line, rule: 'unbounded', quote, message: 'grows for ever', verified }
}

function findings(thread: ThreadId, agent: AgentId, list: Finding[], more: Partial<Entry> = {}): Entry {
  const turn = turnOf(thread, 'findings', agent)
  const coverage = [
    { file: 'src/cart.ts', reviewed: true },
    { file: 'logo.png', reviewed: false, reason: 'binary' },
  ]
  return { ...base(agent, turn), type: 'finding', turn, findings: list, coverage, ...more } as Entry
}

function message(thread: ThreadId, agent: AgentId): EntryOf<'message'> {
  const turn = turnOf(thread, 'discussion', agent)
  return { ...base(agent, turn), type: 'message', turn, round: 1 }
}

function proposalOf(thread: ThreadId): EntryOf<'proposal'> {
  const turn = turnOf(thread, 'proposal', architect)
  const blocking = [`${turnOf(thread, 'findings', architect)}#1`]
  return { ...base(architect, turn), type: 'proposal', turn, round: 1, outcome: 'changes_requested', blocking }
}

function vote(thread: ThreadId, agent: AgentId, choice: EntryOf<'vote'>['choice']): EntryOf<'vote'> {
  const proposal = proposalHash(proposalOf(thread))
  const turn = turnOf(thread, 'vote', agent)
  return { ...base(agent, turn), type: 'vote', turn, round: 1, proposal, choice, blockers: [] }
}

function note(thread: ThreadId, author: AgentId, about: AgentId, code: EntryOf<'note'>['code']): EntryOf<'note'> {
  return { ...base(author, `note-${code}`), type: 'note', code, turn: turnOf(thread, 'findings', about) }
}

function timeout(absent: AgentId): EntryOf<'timeout'> {
  return { ...base(`system@${walnut}`, 'timeout-1'), type: 'timeout', phase: 'findings', round: 1, absent: [absent] }
}

describe('GET /api/reviews/:thread', () => {
  it('tells who is awaited and who is paused', async () => {
    const report = await reviewWith((thread) => [note(thread, architect, architect, 'paused')])
    expect(report).toMatchObject({ state: 'running', phase: 'findings', round: 1, verdict: null })
    expect(report.seats).toMatchObject([
      { role: 'architect', node_id: 'walnut', state: 'paused', reason: `by ${architect}` },
      { role: 'reviewer', node_id: 'ironwood', state: 'due', reason: null },
    ])
  })

  it('lets a resumed seat be due again, and believes only the seat’s own node', async () => {
    const report = await reviewWith((thread) => [
      note(thread, architect, architect, 'paused'),
      note(thread, architect, architect, 'resumed'),
      note(thread, architect, reviewer, 'unavailable'),
    ])
    expect(report.seats.map(({ state }) => state)).toEqual(['due', 'due'])
  })

  it('takes a seat for absent until its late entry comes', async () => {
    const absent = await reviewWith((thread) => [findings(thread, architect, []), timeout(reviewer)])
    expect(absent.seats.map(({ state }) => state)).toEqual(['due', 'absent'])
    const late = await reviewWith((thread) => [
      findings(thread, architect, []),
      timeout(reviewer),
      findings(thread, reviewer, []),
    ])
    expect(late.seats.map(({ state }) => state)).toEqual(['due', 'waiting'])
  })

  it('tells of a seat that is given up why, in the words of its own node', async () => {
    const of = async (code: EntryOf<'note'>['code']) => {
      const entries = (thread: ThreadId) => [note(thread, reviewer, reviewer, code), timeout(reviewer)]
      return (await reviewWith(entries)).seats[1]
    }
    expect(await of('unavailable')).toMatchObject({ state: 'unavailable', reason: `by ${reviewer}` })
    expect(await of('paused')).toMatchObject({
      state: 'absent',
      reason: `no findings in round 1, paused: by ${reviewer}`,
    })
    expect(await of('resumed')).toMatchObject({ state: 'absent', reason: 'no findings in round 1' })
  })

  it('shows findings with their evidence, coverage, and what blocks', async () => {
    const report = await reviewWith((thread) => [
      findings(thread, architect, [findingOf(3, false), findingOf(9)]),
      findings(thread, reviewer, []),
      message(thread, architect),
      message(thread, reviewer),
      proposalOf(thread),
    ])
    const entry = turnOf(report.thread as ThreadId, 'findings', architect)
    expect(report).toMatchObject({ state: 'running', phase: 'vote' })
    expect(report.findings).toMatchObject([
      { ref: `${entry}#1`, role: 'architect', line: 9, verified: true, blocking: true, suggestion: null },
      { ref: `${entry}#0`, line: 3, verified: false, blocking: false, quote: 'const cart = new Map()' },
    ])
    expect(report.coverage).toEqual([
      { file: 'src/cart.ts', reviewed_by: ['architect', 'reviewer'], reason: null },
      { file: 'logo.png', reviewed_by: [], reason: 'binary' },
    ])
  })

  it('looks evidence up in the change once it is here, and reads that once', async () => {
    const doors = doorsUnderTest()
    const told = (thread: ThreadId) => [findings(thread, architect, [findingOf(9)])]
    expect((await reviewWith(told, doors)).findings).toMatchObject([{ verified: true }])
    doors.reviews.changes.set(BLOB, change)
    for (let asked = 1; asked <= 2; asked++)
      expect((await reviewWith(told, doors)).findings).toMatchObject([{ verified: false, blocking: false }])
    expect(doors.reviews.changesRead).toBe(2)
  })

  it('believes a timeout only of the opener and the seats, and counts tokens of turns alone', async () => {
    const stranger = `system@${acacia}`
    const report = await reviewWith((thread) => [
      { ...timeout(reviewer), author: stranger },
      { ...findings(thread, architect, []), tokens: { input: 5, output: 1 } },
      { ...message(thread, architect), id: 'other-words', turn: undefined, tokens: { input: 1_000, output: 0 } },
      { ...note(thread, reviewer, reviewer, 'paused'), tokens: { input: 7, output: 0 }, cost: '1' },
    ])
    expect(report.seats.map(({ state }) => state)).toEqual(['waiting', 'paused'])
    expect(report.costs.by_agent.map(({ input_tokens }) => input_tokens)).toEqual([5, 7])
  })

  it('ends with the verdict, the dissent and the bill', async () => {
    const report = await reviewWith((thread) => [
      findings(thread, architect, [], { cost: '1000000000', tokens: { input: 700, output: 20 }, simulated: true }),
      findings(thread, reviewer, []),
      proposalOf(thread),
      { ...vote(thread, architect, 'approve'), cost: '1', tokens: { input: 50, output: 1 } },
      vote(thread, reviewer, 'reject'),
      verdictOf(thread, 'no consensus after 3 rounds'),
    ])
    expect(report).toMatchObject({ state: 'escalated', phase: null, round: 3, simulated: true })
    expect(report.terms.budget_usd).toBe(2)
    expect(report.verdict).toMatchObject({
      outcome: 'escalated',
      reason: 'no consensus after 3 rounds',
      proposal: null,
    })
    expect(report.seats.map(({ state }) => state)).toEqual(['done', 'done'])
    expect(report.dissent).toMatchObject([{ role: 'reviewer', round: 1, choice: 'reject' }])
    expect(report.costs.total_usd).toBe(1.000000001)
    expect(report.costs.by_agent[0]).toEqual({
      agent: architect,
      node_id: 'walnut',
      cost_usd: 1.000000001,
      input_tokens: 750,
      output_tokens: 21,
    })
    expect(report.costs.by_node).toContainEqual({ node_id: 'walnut', peer_id: walnut, cost_usd: 1.000000001 })
  })

  it('is 404 for a conversation that is no review', async () => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('just talk'))
    expect(answerOf(await agents.inject(`/api/reviews/${thread}`), 404, problem).code).toBe('REVIEW_UNKNOWN')
  })
})

/** A verdict's id follows from its thread: whoever writes it, it is written once. */
function verdictOf(thread: ThreadId, reason: string): EntryOf<'verdict'> {
  const id = Buffer.from(sha256('bzzz/entry-id/1\0', JSON.stringify(['verdict', thread]))).toString('hex')
  const said = { outcome: 'escalated', round: 3, proposal: null, heads: [], reason } as const
  return { ...base(`system@${walnut}`, id), type: 'verdict', ...said, heads: [] }
}
