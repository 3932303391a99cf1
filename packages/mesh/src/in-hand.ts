/** Work that is under way with the threads: the mesh is closed only after the last of it. */
export class InHand {
  readonly #work = new Set<Promise<unknown>>()

  /** @param work never rejects */
  hold(work: Promise<unknown>): void {
    this.#work.add(work)
    void work.finally(() => this.#work.delete(work))
  }

  /** Resolves when nothing is in hand. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work)
  }
}
