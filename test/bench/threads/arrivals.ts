/** When posts were here, by run and number. */
export class Arrivals {
  readonly #runs = new Map<string, Map<number, number>>()
  readonly #waiting = new Set<() => void>()

  note(run: string, i: number): void {
    const run_ = this.#runs.get(run) ?? new Map<number, number>()
    this.#runs.set(run, run_)
    if (!run_.has(i)) run_.set(i, Number(process.hrtime.bigint()) / 1e6)
    for (const look of this.#waiting) look()
  }

  /** Resolves once all of them are. */
  async of(run: string, count: number): Promise<number[]> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const here = () => this.#runs.get(run)?.size ?? 0
    const look = () => here() >= count && resolve()
    const late = setTimeout(() => reject(new Error(`${here()} of ${count} posts of ${run} arrived`)), ARRIVAL_MS)
    this.#waiting.add(look)
    look()
    await promise.finally(() => {
      this.#waiting.delete(look)
      clearTimeout(late)
    })
    const times = this.#runs.get(run) ?? new Map()
    return Array.from({ length: count }, (_, i) => times.get(i) ?? Number.NaN)
  }
}

const ARRIVAL_MS = 120_000
