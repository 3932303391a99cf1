import type { AgentId, TurnId } from '@bzzz/protocols'

export interface TurnToTake {
  readonly turn: TurnId
  readonly agent: AgentId
  /** Must not reject. */
  readonly take: () => Promise<void>
  /** Told once the turn is out of hand. */
  readonly ended: () => void
}

/** Turns that are being taken now: one of each, and a bounded number per agent. */
export interface TurnsInHand {
  /** @returns false when the turn is in hand already, or the agent has enough */
  begin(turn: TurnToTake): boolean
  has(turn: TurnId): boolean
  count(agent: AgentId): number
  /** Resolves once none is left. */
  idle(): Promise<void>
}

export function createTurnsInHand(perAgent: number): TurnsInHand {
  const turns = new Map<TurnId, { readonly agent: AgentId; readonly done: Promise<void> }>()
  const count = (agent: AgentId) => [...turns.values()].filter((turn) => turn.agent === agent).length

  async function run({ turn, take, ended }: TurnToTake): Promise<void> {
    try {
      await take()
    } finally {
      turns.delete(turn)
      ended()
    }
  }

  return {
    begin(turn) {
      if (turns.has(turn.turn) || count(turn.agent) >= perAgent) return false
      // Deferred, so that the turn stands in the map before it can end.
      turns.set(turn.turn, { agent: turn.agent, done: Promise.resolve().then(() => run(turn)) })
      return true
    },
    has: (turn) => turns.has(turn),
    count,
    async idle() {
      while (turns.size > 0) await Promise.all([...turns.values()].map(({ done }) => done))
    },
  }
}
