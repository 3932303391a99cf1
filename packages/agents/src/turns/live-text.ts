import { MAX_TOKENS_CHARS, type TokensFrame } from '@bzzz/protocols'
import type { TurnTools } from './ports.ts'

/** The text of one running call on its way to who watches. */
export interface LiveText {
  /** What the model says next. */
  readonly add: (text: string) => void
  /** Tells no more: what is left stands in the entry. Idempotent. */
  end(): void
}

// Four frames a second: faster than anybody reads, and few beside what gossip carries anyway.
const EVERY_MS = 250

/**
 * Gathers text and tells it at most every quarter of a second. Of more than a frame takes, the end is told; frames say
 * where they begin, so that the gap shows. A call that is over sooner tells nothing.
 */
export function createLiveText(
  call: Omit<TokensFrame, 'v' | 'offset' | 'text'>,
  { tokens, sleep }: Pick<TurnTools, 'tokens' | 'sleep'>,
): LiveText {
  const over = new AbortController()
  let offset = 0
  let waiting = ''
  let resting = false

  function add(text: string): void {
    if (over.signal.aborted) return
    waiting += text
    const left = Math.max(0, waiting.length - MAX_TOKENS_CHARS)
    waiting = waiting.slice(left)
    offset += left
    if (!resting && waiting !== '') rest()
  }

  function rest(): void {
    resting = true
    void sleep(EVERY_MS, over.signal).then(tell, () => undefined) // rejects when the call is over
  }

  function tell(): void {
    if (over.signal.aborted) return
    resting = false
    // a pair of surrogates may have come in two parts
    tokens({ v: 1, ...call, offset, text: waiting.toWellFormed() })
    offset += waiting.length
    waiting = ''
  }

  return { add, end: () => over.abort() }
}
