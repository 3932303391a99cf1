// Within what people and pings do not notice; a signature check takes a seventh of a millisecond.
const SLICE_MS = 4

/**
 * Work that nobody may pile up in one turn of the event loop: what does not fit into this turn's slice of time waits for the
 * next one. In the order of the calls.
 */
export class Slices {
  readonly #waiting: (() => void)[] = []
  #spentMs = 0
  #isTurning = false
  readonly #nowMs: () => number

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  /** How much waits: bounded by who asks. */
  get waiting(): number {
    return this.#waiting.length
  }

  run<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
      this.#goOn()
    })
  }

  #goOn(): void {
    while (this.#spentMs < SLICE_MS && this.#waiting.length > 0) {
      const from = this.#nowMs()
      this.#waiting.shift()?.()
      this.#spentMs += this.#nowMs() - from
    }
    if (!this.#isTurning) setImmediate(() => this.#turn())
    this.#isTurning = true
  }

  #turn(): void {
    this.#isTurning = false
    this.#spentMs = 0
    if (this.#waiting.length > 0) this.#goOn()
  }
}
