import type { Signer, ThreadId } from '@bzzz/protocols'
import type { Random } from '../crash/random.ts'

/** A thread as the attacker sees it. */
export interface Sight {
  readonly thread: ThreadId
  /** Causes first. */
  readonly envelopes: readonly Uint8Array[]
}

export interface Scene {
  /** Nothing can be added to it: it gets only what must be refused, or is there already. */
  readonly healthy: Sight
  /** It also gets what a member may well say; what others said there must stay as it is. */
  readonly attacked: Sight
  /** A member. */
  readonly attacker: Signer
  readonly stranger: Signer
}

/** One input of a kind, from a number that is drawn for it. */
export type Maker = (random: Random) => Uint8Array

/** Of the entries in both threads: so the attacker knows which to take. */
export function idOf(i: number): string {
  return `entry-${String(i).padStart(6, '0')}`
}

export function oneOf<T>(choice: readonly T[], random: Random): T {
  const chosen = choice[random(choice.length)]
  if (chosen === undefined) throw new RangeError('nothing to choose from')
  return chosen
}
