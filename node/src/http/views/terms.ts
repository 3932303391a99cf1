import { type ChangeSet, type ReviewPlan as PlanView, type ReviewTerms, type TermsView, usdOf } from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'
import { agentViews } from './agents.ts'
import { nodeNames, peerOf } from './names.ts'

/** @param budget the review's own cap in nano-dollars; null: none */
export function termsView(ports: DoorPorts, terms: ReviewTerms, budget: bigint | null): TermsView {
  const { blob: _, ...change } = terms.change
  return {
    change,
    seats: seatViews(ports, terms),
    rounds: terms.rounds,
    seat_timeout_s: terms.seatTimeoutMs / 1000,
    budget_usd: budget === null ? null : usdOf(budget),
  }
}

/** Model and node as the newest cards have them: an agent may have changed its model since. */
function seatViews(ports: DoorPorts, terms: ReviewTerms): TermsView['seats'] {
  const names = nodeNames(ports)
  const agents = new Map(agentViews(ports).map((agent) => [agent.id, agent]))
  return terms.seats.map(({ role, agent }) => ({
    role,
    agent,
    node_id: names(peerOf(agent)),
    model: agents.get(agent)?.model ?? 'unknown',
    simulated: agents.get(agent)?.simulated ?? false,
  }))
}

export function omittedFiles(change: ChangeSet): PlanView['omitted'] {
  return change.files.flatMap(({ path, omitted }) => (omitted === undefined ? [] : [{ file: path, reason: omitted }]))
}
