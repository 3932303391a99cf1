import { agentsHealth, nodeHealth, nodeStatus, peersAnswer, problem } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { answerOf, doorsUnderTest } from './doors-under-test.ts'
import { lineOf, openEntry, usd, walnut } from './mesh-of-three.ts'

describe('GET /health', () => {
  it('is degraded, and alive, while a peer is away', async () => {
    const { node } = doorsUnderTest()
    expect(answerOf(await node.inject('/health'), 200, nodeHealth)).toMatchObject({
      status: 'degraded',
      node_id: 'walnut',
      network_id: 'lab',
      role: 'primary',
      uptime_s: 90,
      peers: { online: 1, total: 2 },
    })
  })

  it('of a laptop is its own: it is fit while nobody is reached, and down when its store is', async () => {
    const { node, agents, world } = doorsUnderTest()
    world.role = 'laptop'
    const own = { status: 'ok', role: 'laptop', peers: { online: 1, total: 2 } }
    expect(answerOf(await node.inject('/health'), 200, nodeHealth)).toMatchObject(own)
    expect(answerOf(await agents.inject('/health'), 200, agentsHealth).status).toBe('ok')
    world.condition = { store: 'frozen', transport: 'up' }
    expect(answerOf(await node.inject('/health'), 503, nodeHealth).status).toBe('down')
  })

  it('is 503 when store or transport is down', async () => {
    const { node, world } = doorsUnderTest()
    world.condition = { store: 'open', transport: 'down' }
    expect(answerOf(await node.inject('/health'), 503, nodeHealth).status).toBe('down')
  })

  it('answers HEAD for probes', async () => {
    const { node } = doorsUnderTest()
    const response = await node.inject({ method: 'HEAD', url: '/health' })
    expect([response.statusCode, response.body]).toEqual([200, ''])
  })
})

it('GET /api/peers tells of every member and why one is not reached', async () => {
  const { node } = doorsUnderTest()
  const answer = answerOf(await node.inject('/api/peers'), 200, peersAnswer)
  expect(answer.self).toMatchObject({ peer_id: walnut, node_id: 'walnut' })
  expect(answer.peers).toMatchObject([
    { node_id: 'ironwood', state: 'online', latency_ms: 1.5, roles: ['reviewer', 'architect'] },
    { node_id: 'acacia', state: 'offline', last_seen: null, reason: 'connection refused' },
  ])
})

it('GET /api/status sums it up', async () => {
  const { node, threads } = doorsUnderTest()
  await threads.create(openEntry('one'))
  const answer = answerOf(await node.inject('/api/status'), 200, nodeStatus)
  expect(answer.agents).toEqual({ own: 1, live: 3, total: 4 })
  expect(answer.conversations.active).toBe(1)
  expect(answer.budget).toEqual({
    state: 'ok',
    adopt_due: [],
    share_usd: 33,
    spent_usd: 2.5,
    held_usd: 0.25,
    available_usd: 30.25,
  })
})

it.each([
  ['ok', 10, 7.9],
  ['warning', 10, 8],
  ['critical', 10, 9.5],
  ['spent', 10, 10],
  ['spent', 0, 0],
])('says %s at $%d with $%d spent', async (state, initial, spent) => {
  const { node, budget } = doorsUnderTest()
  budget.running = [lineOf('day', 'd:2026-11-22', initial, spent, 0)]
  expect(answerOf(await node.inject('/api/status'), 200, nodeStatus).budget.state).toBe(state)
})

it('measures by the lower limit of its own configuration', async () => {
  const { node, budget } = doorsUnderTest()
  budget.running = [{ ...lineOf('day', 'd:2026-11-22', 100, 9, 0), localCap: usd(10), available: usd(1) }]
  expect(answerOf(await node.inject('/api/status'), 200, nodeStatus).budget).toMatchObject({
    state: 'warning',
    share_usd: 10,
  })
})

it('says so when the node may spend nothing at all, but not when it lives on what others grant', async () => {
  const { node, budget } = doorsUnderTest()
  budget.rights = 'none'
  expect(answerOf(await node.inject('/api/status'), 200, nodeStatus).budget.state).toBe('ok')
  budget.running = budget.running.map((line) => ({ ...line, rights: usd(0), available: usd(0) }))
  expect(answerOf(await node.inject('/api/status'), 200, nodeStatus).budget.state).toBe('no-rights')
  budget.condition = 'frozen'
  expect(answerOf(await node.inject('/api/status'), 200, nodeStatus).budget.state).toBe('frozen')
})

it('GET /metrics is the Prometheus text', async () => {
  const { node } = doorsUnderTest()
  const response = await node.inject('/metrics')
  expect(response.headers['content-type']).toContain('version=0.0.4')
  expect(response.body).toBe('bzzz_threads 0\n')
})

it('each door serves its own routes only', async () => {
  const { node, agents } = doorsUnderTest()
  const wrong = answerOf(await node.inject('/api/agents'), 404, problem)
  expect(wrong).toMatchObject({ code: 'ROUTE_UNKNOWN', title: 'There is no such route' })
  expect((await agents.inject('/api/peers')).statusCode).toBe(404)
})
