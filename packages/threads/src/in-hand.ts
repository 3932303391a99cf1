/** Work that was begun and is to be waited for before what it needs is closed. */
export class InHand {
  readonly #works = new Set<Promise<unknown>>()

  hold<T>(work: Promise<T>): Promise<T> {
    this.#works.add(work)
    const over = () => this.#works.delete(work)
    work.then(over, over)
    return work
  }

  /** Resolves once nothing is in hand, however it ended: who began it is told. */
  async settled(): Promise<void> {
    while (this.#works.size > 0) await Promise.allSettled(this.#works)
  }
}
