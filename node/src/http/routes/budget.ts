import {
  alertsAnswer,
  budgetAnswer,
  newSettlements,
  settlementsAnswer,
  uncertainAnswer,
  whyAnswer,
  whyQuery,
} from '@bzzz/protocols'
import type { Door } from '../door.ts'
import { alertViewOf } from '../views/alerts.ts'
import { budgetView } from '../views/budget.ts'
import { nodeNames } from '../views/names.ts'
import { settleByWord, uncertainView } from '../views/settlements.ts'
import { whyView } from '../views/why.ts'
import type { Routes } from './routes.ts'

// The mesh's sums may need a look into the DHT; an answer with nodes missing is better than a late one.
const TOTAL_TIMEOUT_MS = 3_000

export function addBudgetRoutes(door: Door, { ports, now, answers }: Routes): void {
  const config = { access: 'token' } as const
  const inTime = () => AbortSignal.timeout(TOTAL_TIMEOUT_MS)
  door.get('/api/budget', { schema: { response: { 200: budgetAnswer } } }, async () =>
    budgetView(ports, now(), inTime()),
  )
  door.get(
    '/api/budget/why',
    { schema: { querystring: whyQuery, response: { 200: whyAnswer } } },
    async ({ query: { about } }) => whyView(ports, about, now(), inTime()),
  )
  door.get('/api/budget/alerts', { schema: { response: { 200: alertsAnswer } } }, async () => {
    const names = nodeNames(ports)
    const alerts = ports.alerts.list().map((alert) => alertViewOf(alert, names))
    return { alerts, total: alerts.length }
  })
  door.get('/api/budget/uncertain', { schema: { response: { 200: uncertainAnswer } } }, async () =>
    uncertainView(ports),
  )
  door.post(
    '/api/budget/settlements',
    { config, schema: { body: newSettlements, response: { 200: settlementsAnswer } } },
    async (request) => answers.once(request, () => settleByWord(ports, request.body.settlements)),
  )
}
