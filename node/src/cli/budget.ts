import type { Command } from 'commander'
import { addNewLedger } from './budget-new-ledger.ts'
import { addOwnerBudget } from './budget-owner.ts'
import { addSettle } from './budget-settle.ts'
import { addShow } from './budget-show.ts'
import { addWhy } from './budget-why.ts'
import type { CommandContext } from './context.ts'

/** Commands on the money of the mesh: budget show, why, settle, raise, lower, adopt, new-ledger. */
export function addBudgetCommands(program: Command, context: CommandContext): void {
  const budget = program.command('budget').description('the dollar limits of the mesh')
  addShow(budget, context)
  addWhy(budget, context)
  addSettle(budget, context)
  addOwnerBudget(budget, context)
  addNewLedger(budget, context)
}
