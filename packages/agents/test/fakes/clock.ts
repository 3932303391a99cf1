/** A clock that stands still until it is moved. */
export class Clock {
  #now: number
  readonly #sleepers = new Set<{ atMs: number; wake: () => void }>()

  constructor(nowMs = 0) {
    this.#now = nowMs
  }

  readonly now = () => this.#now

  readonly sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const sleeper = { atMs: this.#now + ms, wake: resolve }
      this.#sleepers.add(sleeper)
      signal.addEventListener('abort', () => this.#sleepers.delete(sleeper) && reject(signal.reason), { once: true })
    })

  get sleeping(): number {
    return this.#sleepers.size
  }

  /** Whoever slept died in their sleep. */
  forget(): void {
    this.#sleepers.clear()
  }

  /** Moves on, waking sleepers in order, and lets what they do run in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#now + ms
    for (;;) {
      const [next] = [...this.#sleepers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#now = Math.max(this.#now, next.atMs)
      this.#sleepers.delete(next)
      next.wake()
      await turnOfLoop()
    }
    this.#now = endMs
    await turnOfLoop()
  }
}

export async function turnOfLoop(times = 5): Promise<void> {
  for (let i = 0; i < times; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets the event loop turn until `holds`; fails when it does not come true. */
export async function until(holds: () => boolean, what = 'the condition'): Promise<void> {
  for (let turn = 0; turn < 20_000; turn++) {
    if (holds()) return
    await turnOfLoop(1)
  }
  throw new Error(`${what} did not come true`)
}
