import type { AgentCard, AgentId, ThreadId, TurnId } from '@bzzz/protocols'
import type { DueTurn } from '../review/due.ts'
import type { Attended } from './attend.ts'

/** How long an agent whose provider failed for good is named unavailable, so that new reviews choose another. */
const UNAVAILABLE_MS = 60_000

interface Rest {
  readonly thread: ThreadId
  readonly agent: AgentId
  readonly untilMs: number
  readonly paused: boolean
}

/** Turns that wait before they are tried again. */
export interface Rests {
  note(thread: ThreadId, due: DueTurn, attended: Attended): void
  /** The turn is in hand: nothing is waited for. */
  end(turn: TurnId): void
  isResting(turn: TurnId): boolean
  /** Forgets turns of the thread that are no longer due. */
  keep(thread: ThreadId, due: readonly DueTurn[]): void
  /** When the thread's next rest ends, wall milliseconds. */
  nextMs(thread: ThreadId): number | undefined
  /** Ends the rest of turns that wait for money. @returns their threads */
  wakePaused(): ThreadId[]
  /** @param waits whether a turn of the agent that is in hand waits for money */
  statusOf(agent: AgentId, activeTurns: number, waits: boolean): AgentCard['status']
}

export function createRests(now: () => number, retryMs: number): Rests {
  const rests = new Map<TurnId, Rest>()
  const unavailable = new Map<AgentId, number>()

  return {
    note(thread, { turn, agent }, attended) {
      rests.delete(turn)
      if (attended === 'unavailable') unavailable.set(agent, now() + UNAVAILABLE_MS)
      if (attended === 'written') unavailable.delete(agent)
      if (attended === 'written' || attended === 'unavailable') return
      rests.set(turn, { thread, agent, paused: attended === 'paused', untilMs: now() + retryMs })
    },
    end: (turn) => void rests.delete(turn),
    isResting: (turn) => (rests.get(turn)?.untilMs ?? 0) > now(),
    keep(thread, due) {
      const kept = new Set(due.map(({ turn }) => turn))
      for (const [turn, rest] of rests) if (rest.thread === thread && !kept.has(turn)) rests.delete(turn)
    },
    nextMs(thread) {
      const times = [...rests.values()].filter((rest) => rest.thread === thread).map(({ untilMs }) => untilMs)
      return times.length === 0 ? undefined : Math.min(...times)
    },
    wakePaused() {
      const paused = [...rests].filter(([, rest]) => rest.paused)
      for (const [turn, rest] of paused) rests.set(turn, { ...rest, untilMs: 0 })
      return [...new Set(paused.map(([, { thread }]) => thread))]
    },
    statusOf(agent, activeTurns, waits) {
      if ((unavailable.get(agent) ?? 0) > now()) return 'unavailable'
      if (activeTurns > 0) return 'busy'
      const isPaused = waits || [...rests.values()].some((rest) => rest.agent === agent && rest.paused)
      return isPaused ? 'paused' : 'idle'
    },
  }
}
