import type { AgentFact } from '@bzzz/agents'
import { type AgentId, agentIdOf, type PeerId } from '@bzzz/protocols'
import type { TurnNews } from '../http/ports.ts'

/** What the doors tell of this node's turns and of its model, read off the agents' facts. */
export interface AgentNews {
  readonly observe: (fact: AgentFact) => void
  subscribe(listener: (news: TurnNews) => void): () => void
  /** Wall milliseconds of the last answered call, and the last failure since then. */
  readonly calls: { readonly lastOkMs: number | null; readonly lastError: string | null }
}

export function createAgentNews(peer: PeerId, now: () => number): AgentNews {
  const listeners = new Set<(news: TurnNews) => void>()
  const calls: { lastOkMs: number | null; lastError: string | null } = { lastOkMs: null, lastError: null }

  function observe(fact: AgentFact): void {
    if (fact.type === 'call-ended') {
      if (fact.error === null) Object.assign(calls, { lastOkMs: now(), lastError: null })
      else calls.lastError = fact.error
    }
    const news = newsOf(fact, (name) => agentIdOf(name, peer))
    if (news !== undefined) for (const listener of listeners) listener(news)
  }

  return {
    observe,
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    calls,
  }
}

function newsOf(fact: AgentFact, idOf: (name: string) => AgentId): TurnNews | undefined {
  switch (fact.type) {
    case 'turn-begun':
      return { ...turnOf(fact), agent: idOf(fact.agent), state: 'started', reason: null }
    case 'turn-written':
      return { ...turnOf(fact), agent: idOf(fact.agent), state: 'finished', reason: null }
    case 'turn-paused':
      return { ...turnOf(fact), agent: idOf(fact.agent), state: 'paused', reason: fact.reason }
    case 'turn-unavailable':
      return { ...turnOf(fact), agent: idOf(fact.agent), state: 'unavailable', reason: fact.reason }
    case 'turn-postponed':
      return { ...turnOf(fact), agent: idOf(fact.agent), state: 'failed', reason: String(fact.error) }
    default:
      return undefined
  }
}

function turnOf({ thread, turn, phase, round }: Pick<TurnNews, 'thread' | 'turn' | 'phase' | 'round'>) {
  return { thread, turn, phase, round }
}
