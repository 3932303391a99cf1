import { nodeHealth, nodeStatus, peersAnswer } from '@bzzz/protocols'
import type { Door } from '../door.ts'
import { nodeHealthView, nodeStatusView, peersAnswerView } from '../views/node.ts'
import type { Routes } from './routes.ts'

export function addNodeRoutes(door: Door, { ports, now }: Routes): void {
  door.get('/health', { schema: { response: { 200: nodeHealth, 503: nodeHealth } } }, async (_, reply) => {
    const health = nodeHealthView(ports, now())
    return reply.code(health.status === 'down' ? 503 : 200).send(health)
  })
  door.get('/api/peers', { schema: { response: { 200: peersAnswer } } }, async () => peersAnswerView(ports))
  door.get('/api/status', { schema: { response: { 200: nodeStatus } } }, async () => nodeStatusView(ports, now()))
}
