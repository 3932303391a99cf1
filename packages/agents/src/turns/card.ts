import type { AgentCard, AgentId } from '@bzzz/protocols'
import type { ModelProvider } from '../model/model.ts'
import { promptHashOf } from '../roles/role.ts'
import type { AgentDefinition } from './ports.ts'

/** What an agent tells the mesh of itself; its prompt stays at home. */
export function cardOf(
  { role, model }: AgentDefinition,
  id: AgentId,
  provider: ModelProvider,
  now: Pick<AgentCard, 'status' | 'activeTurns' | 'maxTasks'>,
): AgentCard {
  return {
    id,
    role: role.name,
    specialization: role.specialization,
    capabilities: [...role.capabilities],
    model,
    provider: provider.name,
    simulated: provider.simulated,
    promptHash: promptHashOf(role),
    ...now,
  }
}
