import type { Clockwork } from './clockwork.ts'
import type { Random } from './random.ts'

export interface NetworkTerms {
  /** Part of the messages that never arrive. */
  readonly loss: number
  /** Part of the messages that arrive twice, the second time perhaps hours later. */
  readonly twice: number
}

export interface Network {
  /** Whether something that leaves now may arrive. */
  reaches(from: number, to: number): boolean
  /** Delivers after a while, never, twice, and in any order. */
  send(from: number, to: number, deliver: () => void): void
  /** Over a link that is up: once, unless the link is cut meanwhile. */
  tell(from: number, to: number, deliver: () => void): void
  /** Nothing passes where this says so, until it is undone. @returns what undoes it */
  cut(isCut: (from: number, to: number) => boolean): () => void
}

const LATE_MS = 3_600_000

/** @param links draws for what is told over links, which moves nothing else */
export function createNetwork(
  clockwork: Clockwork,
  random: Random,
  { loss, twice }: NetworkTerms,
  links: Random,
): Network {
  const cuts = new Set<(from: number, to: number) => boolean>()

  function reaches(from: number, to: number): boolean {
    for (const isCut of cuts) if (isCut(from, to)) return false
    return true
  }

  function delayMs(): number {
    const slow = random.chance(0.02) ? random.exponential(3_000) : 0
    return 10 + random.exponential(60) + slow
  }

  function arrive(from: number, to: number, inMs: number, deliver: () => void): void {
    clockwork.after(inMs, () => {
      if (reaches(from, to)) deliver()
    })
  }

  return {
    reaches,
    send(from, to, deliver) {
      if (!reaches(from, to)) return
      if (!random.chance(loss)) arrive(from, to, delayMs(), deliver)
      if (random.chance(twice)) arrive(from, to, delayMs() + random.exponential(LATE_MS), deliver)
    },
    tell(from, to, deliver) {
      if (reaches(from, to)) arrive(from, to, 10 + links.exponential(60), deliver)
    },
    cut(isCut) {
      cuts.add(isCut)
      return () => void cuts.delete(isCut)
    },
  }
}
