import { type AgentCard, agentIdOf, type Incarnation, type NodeCard } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { lookup } from '../../src/review/lookup.ts'
import { planReview } from '../../src/review/open.ts'
import { openEntry, peer } from '../fakes/world.ts'

function agent(n: number, role: string, over: Partial<AgentCard> = {}): AgentCard {
  return {
    id: agentIdOf(over.id ?? role, peer(n)),
    role,
    specialization: '',
    capabilities: [],
    model: 'm',
    provider: 'p',
    simulated: false,
    maxTasks: 1,
    status: 'idle',
    activeTurns: 0,
    promptHash: '0'.repeat(64),
    ...over,
  } as AgentCard
}

function card(n: number, agents: AgentCard[]): NodeCard {
  const incarnation = String(n).repeat(32) as Incarnation
  const rights = { boot: { counter: 1, nonce: incarnation }, spare: [] }
  const times = { startedMs: 0, wallMs: 0, seq: 0, threads: 0, manifestVersion: 1 }
  return { v: 1, peer: peer(n), label: `n${n}`, incarnation, ...rights, addrs: [], version: '1', agents, ...times }
}

const { review } = openEntry(1)
const change = review?.change ?? { blob: '', bytes: 1, repository: '', base: '', head: '', title: '', files: 0 }
const plan = (roles: string[], cards: NodeCard[], self = peer(0)) =>
  planReview({ roles, cards, self, change, rounds: 3, seatTimeoutMs: 60_000 })

describe('seats of a review', () => {
  const cards = [
    card(0, [agent(0, 'architect')]),
    card(1, [agent(1, 'architect'), agent(1, 'reviewer')]),
    card(2, [agent(2, 'reviewer'), agent(2, 'security')]),
  ]

  it('go to the own node first, else to the smallest id', () => {
    const smallest = [peer(1), peer(2)].map((at) => agentIdOf('reviewer', at)).sort()[0]
    expect(plan(['architect', 'reviewer'], cards)).toMatchObject({
      status: 'planned',
      terms: {
        seats: [
          { role: 'architect', agent: agentIdOf('architect', peer(0)) },
          { role: 'reviewer', agent: smallest },
        ],
      },
    })
    expect(plan(['reviewer'], cards, peer(2))).toMatchObject({
      terms: { seats: [{ agent: agentIdOf('reviewer', peer(2)) }] },
    })
  })

  it('are one per role, however often it is named', () => {
    expect(plan(['architect', 'architect', 'review_agent_architect'], cards)).toMatchObject({
      terms: { seats: [{ role: 'architect' }] },
    })
    const planned = plan(['architect', 'review_agent_architect'], cards)
    expect(planned.status === 'planned' && planned.terms.seats).toHaveLength(1)
  })

  it('name every role that nobody can take', () => {
    expect(plan(['architect', 'tester', 'poet'], cards)).toEqual({ status: 'missing', missing: ['tester', 'poet'] })
  })

  it('do not go to an agent that is unavailable', () => {
    const sick = [card(0, [agent(0, 'architect', { status: 'unavailable' })]), cards[1] ?? card(1, [])]
    expect(plan(['architect'], sick)).toMatchObject({ terms: { seats: [{ agent: agentIdOf('architect', peer(1)) }] } })
  })

  it('do not go to an agent that a card claims for another node', () => {
    const liar = card(1, [agent(2, 'security')])
    expect(plan(['security'], [liar])).toEqual({ status: 'missing', missing: ['security'] })
  })

  it('weigh the homes that will pay by their seats', () => {
    const planned = plan(['reviewer', 'security'], [cards[2] ?? card(2, [])])
    expect(planned).toMatchObject({ homes: [{ account: { peer: peer(2), incarnation: '2'.repeat(32) }, weight: 2 }] })
  })
})

it('an agent is found by id, by role and by the alias of its role', () => {
  const cards = [card(1, [agent(1, 'architect')])]
  const id = agentIdOf('architect', peer(1))
  for (const name of [id, 'architect', 'review_agent_architect']) {
    expect(lookup(name, cards, peer(0)).map((found) => found.agent.id)).toEqual([id])
  }
  expect(lookup('security', cards, peer(0))).toEqual([])
})
