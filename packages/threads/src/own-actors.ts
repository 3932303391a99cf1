import type { ThreadId } from '@bzzz/protocols'

/**
 * The actors that this opening of the store writes with: one for all threads, and another one for a thread in which the
 * first has ended or somebody else has written with it. No (actor, seq) is ever used twice.
 */
export class OwnActors {
  readonly #draw: () => string
  readonly #first: string
  /** A hundred bytes for each thread in which that happened. */
  readonly #later = new Map<ThreadId, string>()

  /** @param draw a new actor, hexadecimal */
  constructor(draw: () => string) {
    this.#draw = draw
    this.#first = draw()
  }

  of(thread: ThreadId): string {
    return this.#later.get(thread) ?? this.#first
  }

  renew(thread: ThreadId): void {
    this.#later.set(thread, this.#draw())
  }
}
