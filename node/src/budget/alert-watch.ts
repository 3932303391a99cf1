import type { Alerts } from './alerts.ts'

export interface AlertWatchOptions {
  readonly alerts: Pick<Alerts, 'look'>
  /** Called whenever something was charged here. @returns how to stop */
  readonly onSpending: (listener: () => void) => () => void
  readonly onError: (error: unknown) => void
}

/** What others spend is seen after so long; each look asks for every node's sums. */
const LOOK_MS = 30_000
/** While something is reached that another node may tell first, and after spending here. */
const SOON_MS = 2_000

/** Looks again and again. @returns stops, and waits for a look in hand */
export function watchAlerts({ alerts, onSpending, onError }: AlertWatchOptions): () => Promise<void> {
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let dueMs = Number.POSITIVE_INFINITY
  let looking: Promise<void> | undefined

  function lookIn(ms: number): void {
    const atMs = performance.now() + ms
    if (closed || atMs >= dueMs) return
    clearTimeout(timer)
    dueMs = atMs
    timer = setTimeout(begin, ms)
  }

  function begin(): void {
    dueMs = Number.POSITIVE_INFINITY
    looking ??= look().finally(() => (looking = undefined))
  }

  /** Never rejects. */
  async function look(): Promise<void> {
    try {
      lookIn((await alerts.look()) ? SOON_MS : LOOK_MS)
    } catch (error) {
      onError(error)
      lookIn(LOOK_MS)
    }
  }

  const stop = onSpending(() => lookIn(SOON_MS))
  lookIn(SOON_MS)
  return async () => {
    closed = true
    stop()
    clearTimeout(timer)
    await looking
  }
}
