import * as room from '@bzzz/budget'
import { around, tellingTest } from '../pass.ts'

export * from '@bzzz/budget'

export async function openBudget(options: room.BudgetOptions): Promise<room.Budget> {
  const budget = await room.openBudget(options)
  return {
    ...budget,
    reserve: around('reserve', budget.reserve),
    settle: around('settle', budget.settle),
    close: tellingTest('budget', budget.close),
  }
}
