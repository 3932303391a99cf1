import type { AgentId, TurnId } from '@bzzz/protocols'

export interface TurnToTake {
  readonly turn: TurnId
  readonly agent: AgentId
  /** Must not reject. */
  readonly take: (place: Place) => Promise<void>
  /** Told when the turn's place is free for another one: it waits for money, or is out of hand. */
  readonly left: () => void
}

/** One of the places that an agent has for its turns. */
export interface Place {
  /** Others may be taken meanwhile; the turn itself stays in hand. */
  leave(): void
  /** Resolves with a place again, before any new turn gets one. */
  comeBack(): Promise<void>
}

/** Turns that are being taken now: one of each, and a bounded number per agent. */
export interface TurnsInHand {
  /** @returns false when the turn is in hand already, or the agent has enough */
  begin(turn: TurnToTake): boolean
  has(turn: TurnId): boolean
  /** Places that are taken, or waited for by those that were there before. */
  count(agent: AgentId): number
  /** Turns in hand that have left their place. */
  away(agent: AgentId): number
  /** Resolves once none is left. */
  idle(): Promise<void>
}

interface InHand {
  readonly agent: AgentId
  at: 'place' | 'away' | 'door'
  enter: () => void
}

export function createTurnsInHand(perAgent: number): TurnsInHand {
  const turns = new Map<TurnId, InHand>()
  const running = new Set<Promise<void>>()
  const of = (agent: AgentId, ...at: InHand['at'][]) =>
    [...turns.values()].filter((turn) => turn.agent === agent && at.includes(turn.at))

  /** A place became free: whoever waits at the door takes it, in the order in which they were begun. */
  function admit(agent: AgentId): void {
    const [first] = of(agent, 'door')
    if (first === undefined || of(agent, 'place').length >= perAgent) return
    first.at = 'place'
    first.enter()
  }

  function leave(turn: InHand, left: () => void): void {
    if (turn.at !== 'place') return
    turn.at = 'away'
    admit(turn.agent)
    left()
  }

  function comeBack(turn: InHand): Promise<void> {
    if (turn.at !== 'away') return Promise.resolve()
    return new Promise((resolve) => {
      turn.enter = resolve
      turn.at = 'door'
      admit(turn.agent)
    })
  }

  async function run({ turn, take, left }: TurnToTake, inHand: InHand): Promise<void> {
    try {
      await take({ leave: () => leave(inHand, left), comeBack: () => comeBack(inHand) })
    } finally {
      turns.delete(turn)
      admit(inHand.agent)
      left()
    }
  }

  return {
    begin(turn) {
      const { agent } = turn
      if (turns.has(turn.turn) || of(agent, 'place', 'door').length >= perAgent) return false
      const inHand: InHand = { agent, at: 'place', enter: () => undefined }
      turns.set(turn.turn, inHand)
      // Deferred, so that it is known to be in hand before it can end.
      const done = Promise.resolve().then(() => run(turn, inHand))
      running.add(done)
      void done.finally(() => running.delete(done))
      return true
    },
    has: (turn) => turns.has(turn),
    count: (agent) => of(agent, 'place', 'door').length,
    away: (agent) => of(agent, 'away').length,
    async idle() {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
