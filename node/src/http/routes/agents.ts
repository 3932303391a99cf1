import { agentsAnswer, agentsHealth, agentsQuery, agentView } from '@bzzz/protocols'
import { z } from 'zod'
import type { Door } from '../door.ts'
import { ProblemError } from '../problems.ts'
import { agentViews, findAgent, matchesAgent } from '../views/agents.ts'
import { agentsHealthView } from '../views/node.ts'
import type { Routes } from './routes.ts'

const params = z.strictObject({ id: z.string().max(200) })

export function addAgentRoutes(door: Door, { ports }: Routes): void {
  door.get('/health', { schema: { response: { 200: agentsHealth, 503: agentsHealth } } }, async (_, reply) => {
    const health = agentsHealthView(ports)
    return reply.code(health.status === 'down' ? 503 : 200).send(health)
  })
  door.get(
    '/api/agents',
    { schema: { querystring: agentsQuery, response: { 200: agentsAnswer } } },
    async ({ query }) => {
      const agents = agentViews(ports).filter((agent) => matchesAgent(agent, query))
      return { agents, total: agents.length }
    },
  )
  door.get('/api/agents/:id', { schema: { params, response: { 200: agentView } } }, async ({ params: { id } }) => {
    const agent = findAgent(agentViews(ports), id)
    if (agent !== undefined) return agent
    throw new ProblemError('AGENT_UNKNOWN', `Nobody is called ${id}. GET /api/agents lists all that are known here.`)
  })
}
