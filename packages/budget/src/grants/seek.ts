import { type Account, accountKey, type GrantAnswer } from '@bzzz/protocols'
import { type Hints, spareIn } from './hints.ts'
import type { Crediting, GrantRequest, Hint, Need } from './request.ts'

// One search; who then still lacks something begins another one later, with what was heard meanwhile.
const MAX_DONORS = 8

/**
 * Whom to ask next: who can do most for the oldest that waits, then for the rest; undefined when nobody is known to have
 * anything, or enough have been asked.
 */
export function nextDonor(
  needs: readonly Need[],
  hints: readonly Hint[],
  asked: ReadonlySet<string>,
): Account | undefined {
  if (asked.size >= MAX_DONORS) return undefined
  let best: { account: Account; least: number; want: number } | undefined
  for (const hint of hints) {
    if (asked.has(accountKey(hint.account))) continue
    const least = coverage(hint, needs, 'least')
    const want = coverage(hint, needs, 'want')
    if (want === 0) continue
    if (best === undefined || least > best.least || (least === best.least && want > best.want)) {
      best = { account: hint.account, least, want }
    }
  }
  return best?.account
}

/** By how much a node could fill the needs: from 0 to their number, each counting alike whatever its size. */
function coverage(hint: Hint, needs: readonly Need[], part: 'least' | 'want'): number {
  const parts = needs.map((need) => {
    const spare = spareIn(hint, need.period)
    if (need[part] === 0n) return 0
    return spare >= need[part] ? 1 : Number((spare * 1_000_000n) / need[part]) / 1_000_000
  })
  return parts.reduce((sum, one) => sum + one, 0)
}

export interface Asking {
  readonly budget: {
    waiting(): { readonly needs: readonly Need[] }
    requestTo(donor: Account): GrantRequest | undefined
    credit(grant: Uint8Array): Promise<Crediting>
  }
  readonly hints: Hints
  /** One request over the network; undefined when no answer came in time. */
  readonly ask: (donor: Account, request: GrantRequest, signal: AbortSignal) => Promise<Answer | undefined>
  readonly signal: AbortSignal
}

/** What a donor sends back. */
export type Answer = GrantAnswer

/** enough: nothing lacks any more. nobody: no node is known to have any. asked: those that have some were asked. */
export type SearchEnd = 'enough' | 'nobody' | 'asked' | 'aborted'

/** One search for what lacks: one donor after the other, the richest first. Nothing is held while it waits. */
export async function seekRights({ budget, hints, ask, signal }: Asking): Promise<SearchEnd> {
  const asked = new Set<string>()
  while (!signal.aborted) {
    const { needs } = budget.waiting()
    if (needs.length === 0) return 'enough'
    const donor = nextDonor(needs, hints.fresh(), asked)
    const request = donor && budget.requestTo(donor)
    if (donor === undefined || request === undefined) return asked.size === 0 ? 'nobody' : 'asked'
    asked.add(accountKey(donor))
    const answer = await ask(donor, request, signal)
    if (answer === undefined) {
      hints.drop(donor)
      continue
    }
    hints.hear({ account: donor, spare: answer.spare })
    if (answer.granting.status === 'refused') continue
    // all of an answer share one synced write
    await Promise.all(answer.granting.grants.map((grant) => budget.credit(grant)))
  }
  return 'aborted'
}
