import { type Answer, type Budget, type GrantRequest, type Hints, type SearchEnd, seekRights } from '@bzzz/budget'
import type { Account } from '@bzzz/protocols'

export interface SeekingOptions {
  readonly budget: Pick<Budget, 'waiting' | 'requestTo' | 'credit' | 'onWaiting' | 'subscribe'>
  readonly hints: Hints
  /** One request; undefined when no answer came. */
  readonly ask: (donor: Account, request: GrantRequest, signal: AbortSignal) => Promise<Answer | undefined>
  readonly observe: (fact: SeekingFact) => void
}

export type SeekingFact =
  /** Donors were asked; `end` says how it stands. Not told when nobody was known to have anything. */
  | { readonly type: 'rights-sought'; readonly end: SearchEnd; readonly seconds: number }
  /** The own ledger did not take a grant that came. */
  | { readonly type: 'seeking-failed'; readonly error: unknown }

/** Asks other nodes for rights while calls wait for them, and when what is held runs low. */
export interface Seeking {
  /** Something is new: a hint, a manifest. */
  look(): void
  /** Ends the search in hand. Idempotent. */
  close(): Promise<void>
}

/** While calls wait: a new day, and donors whose own calls ended, come without a word. */
const LOOK_AGAIN_MS = 2_000
/** Between two searches of which the first brought too little. */
const FRUITLESS_MS = 250
/** How soon after spending it is looked at what is left; calls that wait do not wait for this. */
const LOW_MS = 500

export function openSeeking({ budget, hints, ask, observe }: SeekingOptions): Seeking {
  const closing = new AbortController()
  let searching: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let dueMs = Number.POSITIVE_INFINITY
  let restUntilMs = 0

  /** At the earliest of what was asked for, and after the rest of a search that brought too little. */
  function lookIn(ms: number): void {
    if (closing.signal.aborted) return
    const atMs = Math.max(performance.now() + ms, restUntilMs)
    if (atMs >= dueMs) return
    clearTimeout(timer)
    dueMs = atMs
    timer = setTimeout(look, Math.max(0, atMs - performance.now()))
  }

  function look(): void {
    timer = undefined
    dueMs = Number.POSITIVE_INFINITY
    searching ??= search().finally(() => {
      searching = undefined
      if (budget.waiting().calls.length > 0) lookIn(LOOK_AGAIN_MS)
    })
  }

  /** Never rejects. */
  async function search(): Promise<void> {
    const begun = performance.now()
    let asked = false
    const asking = (donor: Account, request: GrantRequest, signal: AbortSignal) => {
      asked = true
      return ask(donor, request, signal)
    }
    try {
      const end = await seekRights({ budget, hints, ask: asking, signal: closing.signal })
      if (asked) observe({ type: 'rights-sought', end, seconds: (performance.now() - begun) / 1_000 })
      if (end !== 'enough') restUntilMs = performance.now() + FRUITLESS_MS
    } catch (error) {
      if (closing.signal.aborted) return
      restUntilMs = performance.now() + LOOK_AGAIN_MS
      observe({ type: 'seeking-failed', error })
    }
  }

  const stops = [budget.onWaiting(() => lookIn(0)), budget.subscribe(() => lookIn(LOW_MS))]
  return {
    look: () => lookIn(0),
    async close() {
      closing.abort()
      clearTimeout(timer)
      for (const stop of stops) stop()
      await searching
    },
  }
}
