import type { Agents } from '@bzzz/agents'
import type { Budget } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import { isType, type PeerId } from '@bzzz/protocols'
import type { Threads } from '@bzzz/threads'

/** Calls in hand may finish for so long while the node closes; then they count as uncertain. */
const CLOSE_PATIENCE_MS = 10_000

export function publishOwnEnvelopes(threads: Threads, mesh: Mesh): () => Promise<void> {
  const stop = threads.subscribe(({ thread, own, envelope, entries }) => {
    const opening = entries.some(({ entry }) => isType(entry, 'open') || isType(entry, 'continue'))
    if (own) mesh.publish(envelope, { thread, opening })
  })
  return async () => stop()
}

/** The others' cards say what time it is there: after a long absence a new period opens only once somebody agrees. */
export function witnessClocks(budget: Budget, mesh: Mesh, self: PeerId): () => Promise<void> {
  const stop = mesh.subscribe((event) => {
    if (event.type === 'card' && event.card.peer !== self) budget.witnessTime(event.card.wallMs)
  })
  return async () => stop()
}

export function closeAgents(agents: Agents): () => Promise<void> {
  return async () => {
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(), CLOSE_PATIENCE_MS)
    await agents.close({ signal: patience.signal })
    clearTimeout(timer)
  }
}
