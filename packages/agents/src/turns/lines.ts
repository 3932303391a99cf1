import type { AgentId, ThreadId } from '@bzzz/protocols'

/** Threads that wait for a place with an agent that has enough to do: first come, first served. */
export interface Lines {
  /** Whether one of the free places is the thread's, waiting or not. */
  isServed(agent: AgentId, thread: ThreadId, free: number): boolean
  /** At the end, if it does not wait already. */
  join(agent: AgentId, thread: ThreadId): void
  /** The thread waits for nobody else any more. */
  leaveAllBut(thread: ThreadId, agents: ReadonlySet<AgentId>): void
  first(agent: AgentId, free: number): ThreadId[]
}

export function createLines(): Lines {
  const lines = new Map<AgentId, Set<ThreadId>>()

  function first(agent: AgentId, free: number): ThreadId[] {
    const served: ThreadId[] = []
    for (const thread of lines.get(agent) ?? []) {
      if (served.length >= free) break
      served.push(thread)
    }
    return served
  }

  return {
    first,
    isServed: (agent, thread, free) => (lines.get(agent)?.size ?? 0) < free || first(agent, free).includes(thread),
    join(agent, thread) {
      const line = lines.get(agent) ?? new Set()
      lines.set(agent, line.add(thread))
    },
    leaveAllBut(thread, agents) {
      for (const [agent, line] of lines) if (!agents.has(agent)) line.delete(thread)
    },
  }
}
