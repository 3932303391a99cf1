import { newSettlements, settlementsAnswer, uncertainAnswer } from '@bzzz/protocols'
import type { Door } from '../door.ts'
import { settleByWord, uncertainView } from '../views/settlements.ts'
import type { Routes } from './routes.ts'

export function addBudgetRoutes(door: Door, { ports, answers }: Routes): void {
  const config = { access: 'token' } as const
  door.get('/api/budget/uncertain', { schema: { response: { 200: uncertainAnswer } } }, async () =>
    uncertainView(ports),
  )
  door.post(
    '/api/budget/settlements',
    { config, schema: { body: newSettlements, response: { 200: settlementsAnswer } } },
    async (request) => answers.once(request, () => settleByWord(ports, request.body.settlements)),
  )
}
