import type { Door } from '../door.ts'
import type { Routes } from './routes.ts'

export function addMetricsRoute(door: Door, { ports }: Routes): void {
  door.get('/metrics', async (_, reply) => reply.type(ports.metrics.contentType).send(await ports.metrics.metrics()))
}
