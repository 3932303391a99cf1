import type { AgentFact } from '@bzzz/agents'
import type { TurnId } from '@bzzz/protocols'
import type { PausedTurn, TurnNews } from '../http/ports.ts'

/** What the doors tell of this node's turns and of its model, read off the agents' facts. */
export interface AgentNews {
  readonly observe: (fact: AgentFact) => void
  /** Turns that rest for want of money, oldest first. */
  paused(): readonly PausedTurn[]
  /** Told of each turn as it begins and ends. @returns how to stop */
  subscribe(listener: (news: TurnNews) => void): () => void
  /** Wall milliseconds of the last answered call, and the code of a failure since then. */
  calls(): { readonly lastOkMs: number | null; readonly lastError: string | null }
}

// Bounds what is remembered of turns that nobody takes up again.
const MAX_PAUSED = 1_000

export function createAgentNews(now: () => number): AgentNews {
  const listeners = new Set<(news: TurnNews) => void>()
  const paused = new Map<TurnId, PausedTurn>()
  let calls: ReturnType<AgentNews['calls']> = { lastOkMs: null, lastError: null }
  /** A turn that was paused before keeps its place, and is told with its newest reason. */
  function notePaused(news: TurnNews): void {
    const before = paused.get(news.turn)
    if (news.state === 'paused') paused.set(news.turn, { ...news, sinceMs: before?.sinceMs ?? now() })
    else if (news.state !== 'started') paused.delete(news.turn)
    const [oldest] = paused.keys()
    if (paused.size > MAX_PAUSED && oldest !== undefined) paused.delete(oldest)
  }

  return {
    observe(fact) {
      if (fact.type === 'call-ended') {
        calls = fact.error === null ? { lastOkMs: now(), lastError: null } : { ...calls, lastError: fact.error }
      }
      const news = newsOf(fact)
      if (news === undefined) return
      notePaused(news)
      for (const listener of listeners) listener(news)
    },
    paused: () => [...paused.values()],
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    calls: () => calls,
  }
}

/** @returns undefined for facts about anything but a turn */
function newsOf(fact: AgentFact): TurnNews | undefined {
  switch (fact.type) {
    case 'turn-begun':
      return { ...turnOf(fact), state: 'started', reason: null }
    case 'turn-written':
      return { ...turnOf(fact), state: 'finished', reason: null }
    case 'turn-paused':
      return { ...turnOf(fact), state: 'paused', reason: fact.reason }
    case 'turn-unavailable':
      return { ...turnOf(fact), state: 'unavailable', reason: fact.reason }
    case 'turn-postponed':
      return { ...turnOf(fact), state: 'failed', reason: String(fact.error) }
    default:
      return undefined
  }
}

function turnOf({
  thread,
  turn,
  agent,
  phase,
  round,
}: Omit<TurnNews, 'state' | 'reason'>): Omit<TurnNews, 'state' | 'reason'> {
  return { thread, turn, agent, phase, round }
}
