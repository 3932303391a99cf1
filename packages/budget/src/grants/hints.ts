import { type Account, accountKey, type Period } from '@bzzz/protocols'
import type { Hint } from './request.ts'

/** What other nodes said they could give. It decides whom to ask, never what may be spent. */
export interface Hints {
  hear(hint: Hint): void
  /** It did not answer: not asked again until it is heard of. */
  drop(account: Account): void
  /** Heard of not long ago. */
  fresh(): readonly Hint[]
  /** What others have in a period, as far as fresh hints tell. */
  reachable(period: Period): bigint
}

/** Of a node that has been silent for longer, nothing is expected. */
const FRESH_MS = 90_000
// Members of a mesh, with a few incarnations that are gone.
const MAX_HINTS = 128

/** @param own not counted @param now wall clock, milliseconds */
export function createHints({ own, now }: { own: Account; now: () => number }): Hints {
  const heard = new Map<string, { readonly hint: Hint; readonly atMs: number }>()

  function fresh(): readonly Hint[] {
    const since = now() - FRESH_MS
    return [...heard.values()].flatMap(({ hint, atMs }) => (atMs >= since ? [hint] : []))
  }

  return {
    hear(hint) {
      const name = accountKey(hint.account)
      if (name === accountKey(own)) return
      heard.delete(name)
      heard.set(name, { hint, atMs: now() })
      const [oldest] = heard.keys()
      if (heard.size > MAX_HINTS && oldest !== undefined) heard.delete(oldest)
    },
    drop: (account) => void heard.delete(accountKey(account)),
    fresh,
    reachable(period) {
      const since = now() - FRESH_MS
      let sum = 0n
      for (const { hint, atMs } of heard.values()) if (atMs >= since) sum += spareIn(hint, period)
      return sum
    },
  }
}

export function spareIn({ spare }: Hint, period: Period): bigint {
  return spare.find((rights) => rights.period === period)?.amount ?? 0n
}
