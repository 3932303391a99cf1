/** How long a token is refused whose holders send what no honest client sends, again and again. */
export interface Penalties {
  /** @returns milliseconds for which the token is refused from now on; 0 for none */
  fault(token: string, nowMs: number): number
  /** @returns milliseconds until it is let in again; 0 for at once */
  waits(token: string, nowMs: number): number
}

const WINDOW_MS = 60_000
const MAX_FAULTS = 5
const FIRST_MS = 60_000
const LONGEST_MS = 10 * 60_000

interface Record {
  readonly faults: readonly number[]
  readonly untilMs: number
  readonly lastMs: number
}

/** As many tokens as there can be; of revoked ones too until then. */
const MAX_RECORDS = 1_000

export function createPenalties(): Penalties {
  const records = new Map<string, Record>()

  function keep(token: string, record: Record): void {
    records.delete(token)
    records.set(token, record)
    const [oldest] = records.keys()
    if (records.size > MAX_RECORDS && oldest !== undefined) records.delete(oldest)
  }

  return {
    fault(token, nowMs) {
      const before = records.get(token) ?? { faults: [], untilMs: 0, lastMs: 0 }
      const faults = [...before.faults.filter((at) => nowMs - at < WINDOW_MS), nowMs]
      if (faults.length < MAX_FAULTS) {
        keep(token, { ...before, faults })
        return 0
      }
      // Twice as long each time, until it has behaved for as long as the longest.
      const again = before.lastMs > 0 && nowMs - before.untilMs < LONGEST_MS
      const lastMs = again ? Math.min(before.lastMs * 2, LONGEST_MS) : FIRST_MS
      keep(token, { faults: [], untilMs: nowMs + lastMs, lastMs })
      return lastMs
    },
    waits: (token, nowMs) => Math.max(0, (records.get(token)?.untilMs ?? 0) - nowMs),
  }
}
