import { costsBreakdown, dailyCosts } from '@bzzz/protocols'
import type { Door } from '../door.ts'
import { costsBreakdownView, dailyCostsView } from '../views/costs.ts'
import type { Routes } from './routes.ts'

// The mesh's sum may need a look into the DHT; an answer with nodes missing is better than a late one.
const TOTAL_TIMEOUT_MS = 3_000

export function addCostRoutes(door: Door, { ports, now }: Routes): void {
  door.get('/api/costs/daily', { schema: { response: { 200: dailyCosts } } }, async () =>
    dailyCostsView(ports, now(), AbortSignal.timeout(TOTAL_TIMEOUT_MS)),
  )
  door.get('/api/costs/breakdown', { schema: { response: { 200: costsBreakdown } } }, async () =>
    costsBreakdownView(ports, now()),
  )
}
