import { clearTimeout, setTimeout as startTimer } from 'node:timers'
import { setTimeout } from 'node:timers/promises'

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
    const late = startTimer(() => reject(new Error(`${here()} of ${count} posts of ${run} arrived`)), ARRIVAL_MS)
    this.#waiting.add(look)
    look()
    await promise.finally(() => {
      this.#waiting.delete(look)
      clearTimeout(late)
    })
    const times = this.#runs.get(run) ?? new Map()
    return Array.from({ length: count }, (_, i) => times.get(i) ?? Number.NaN)
  }

  /** Resolves once all of them are here, or none came for a while: gossip alone promises nothing. */
  async settled(run: string, count: number): Promise<{ arrived: number; lastAt: number }> {
    const here = () => this.#runs.get(run)?.size ?? 0
    let before = -1
    while (here() < count && here() > before) {
      before = here()
      await Promise.race([setTimeout(SILENCE_MS), this.#all(run, count)])
    }
    return { arrived: here(), lastAt: Math.max(...(this.#runs.get(run)?.values() ?? [])) }
  }

  async #all(run: string, count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => (this.#runs.get(run)?.size ?? 0) >= count && resolve()
    this.#waiting.add(look)
    look()
    await promise
    this.#waiting.delete(look)
  }
}

const ARRIVAL_MS = 120_000
const SILENCE_MS = 5_000
