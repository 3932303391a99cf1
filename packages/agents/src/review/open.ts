import { type Account, accountKey, type NodeCard, type PeerId, type ReviewTerms } from '@bzzz/protocols'
import { type FoundAgent, lookup } from './lookup.ts'

export interface ReviewRequest {
  /** Required roles, in the order in which they are to propose. A role named twice has one seat. */
  readonly roles: readonly string[]
  /** Of live nodes, the own one among them. */
  readonly cards: readonly NodeCard[]
  readonly self: PeerId
  readonly change: ReviewTerms['change']
  readonly rounds: number
  readonly seatTimeoutMs: number
}

/** Whom to ask, or the roles that nobody can take now. */
export type ReviewPlan =
  | {
      readonly status: 'planned'
      readonly terms: ReviewTerms
      /** Accounts that will pay, weighted by the seats that live there: what a thread's cap is split by. */
      readonly homes: readonly { readonly account: Account; readonly weight: number }[]
    }
  | { readonly status: 'missing'; readonly missing: readonly string[] }

/** One seat per role: the own node's agent first, else the one with the smallest id. An unavailable agent takes no seat. */
export function planReview(request: ReviewRequest): ReviewPlan {
  const roles = [...new Set(request.roles)]
  const found = roles.map((role) => ({ role, agent: firstAvailable(role, request) }))
  const missing = found.filter(({ agent }) => agent === undefined).map(({ role }) => role)
  if (missing.length > 0) return { status: 'missing', missing }
  const agents = [...new Map(found.flatMap(({ agent }) => (agent ? [[agent.agent.id, agent] as const] : []))).values()]
  const { change, rounds, seatTimeoutMs } = request
  const seats = agents.map(({ agent }) => ({ role: agent.role, agent: agent.id }))
  return { status: 'planned', terms: { change, seats, rounds, seatTimeoutMs }, homes: homesOf(agents) }
}

function firstAvailable(role: string, { cards, self }: ReviewRequest): FoundAgent | undefined {
  return lookup(role, cards, self).find(({ agent }) => agent.status !== 'unavailable')
}

function homesOf(agents: readonly FoundAgent[]): { account: Account; weight: number }[] {
  const homes = new Map<string, { account: Account; weight: number }>()
  for (const { node } of agents) {
    const account = { peer: node.peer, incarnation: node.incarnation }
    const key = accountKey(account)
    homes.set(key, { account, weight: (homes.get(key)?.weight ?? 0) + 1 })
  }
  return [...homes.values()]
}
