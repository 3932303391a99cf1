import { agentsAnswer, agentsHealth, agentView, problem } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { answerOf, doorsUnderTest } from './doors-under-test.ts'
import { acacia, agentCardOf, card, ironwood, NOW, walnut } from './mesh-of-three.ts'

describe('GET /api/agents', () => {
  it('lists the agents of all nodes, those of a node that is gone as offline', async () => {
    const { agents } = doorsUnderTest()
    const answer = answerOf(await agents.inject('/api/agents'), 200, agentsAnswer)
    expect(answer.total).toBe(4)
    expect(answer.agents.find(({ role }) => role === 'security')).toMatchObject({
      node_id: 'acacia',
      status: 'offline',
      own: false,
    })
    expect(answer.agents.filter(({ own }) => own)).toMatchObject([
      { id: `architect@${walnut}`, as_of: new Date(NOW - 1000).toISOString() },
    ])
  })

  it.each([
    ['role=architect', 2],
    ['status=offline', 1],
    ['node=ironwood', 2],
    [`node=${ironwood}&role=reviewer`, 1],
    ['role=nobody', 0],
  ])('filters by %s', async (query, total) => {
    const { agents } = doorsUnderTest()
    expect(answerOf(await agents.inject(`/api/agents?${query}`), 200, agentsAnswer).total).toBe(total)
  })

  it('names the parameter that it does not know', async () => {
    const { agents } = doorsUnderTest()
    expect(answerOf(await agents.inject('/api/agents?rol=architect'), 400, problem).detail).toContain('rol')
  })
})

describe('GET /api/agents/:id', () => {
  async function found(id: string, prepare = (_: ReturnType<typeof doorsUnderTest>) => {}) {
    const doors = doorsUnderTest()
    prepare(doors)
    return answerOf(await doors.agents.inject(`/api/agents/${encodeURIComponent(id)}`), 200, agentView).id
  }

  it('finds an agent by its full id', async () => {
    expect(await found(`security@${acacia}`)).toBe(`security@${acacia}`)
  })

  it("resolves the guide's alias: own node first", async () => {
    expect(await found('review_agent_architect')).toBe(`architect@${walnut}`)
  })

  it('then the smallest id', async () => {
    const smallest = [`architect@${ironwood}`, `architect@${acacia}`].sort()[0]
    const id = await found('review_agent_architect', ({ mesh }) => {
      mesh.held = [ironwood, acacia].map((peer) => card(peer, 'other', [agentCardOf('architect', peer)], true))
    })
    expect(id).toBe(smallest)
  })

  it.each([250, 5_000])('refuses a name of %d characters', async (length) => {
    const { agents } = doorsUnderTest()
    const answer = answerOf(await agents.inject(`/api/agents/${'x'.repeat(length)}`), 400, problem)
    expect(answer.code).toBe('REQUEST_INVALID')
  })

  it('says where to look when there is none', async () => {
    const { agents } = doorsUnderTest()
    const answer = answerOf(await agents.inject('/api/agents/review_agent_nobody'), 404, problem)
    expect(answer).toMatchObject({ code: 'AGENT_UNKNOWN', type: 'urn:bzzz:problem:agent-unknown' })
    expect(answer.detail).toContain('GET /api/agents')
  })
})

describe("the agents' health", () => {
  it('tells of model, budget and threads', async () => {
    const { agents } = doorsUnderTest()
    const answer = answerOf(await agents.inject('/health'), 200, agentsHealth)
    expect(answer).toMatchObject({
      status: 'ok',
      agents: 1,
      llm: { simulated: true, last_error: null },
      budget: { state: 'ok' },
    })
  })

  it('is 503 while the disk takes no writes', async () => {
    const { agents, world } = doorsUnderTest()
    world.condition = { store: 'frozen', transport: 'up' }
    expect(answerOf(await agents.inject('/health'), 503, agentsHealth).status).toBe('down')
  })
})
