import type { GrantAnswer, GrantRequest } from '@bzzz/protocols'
import type { Observe } from '../facts.ts'
import { type Link, LinkError } from '../link/link.ts'

/** How long a donor may take: it writes to disk before it answers. */
const ANSWER_MS = 5_000

/** @returns undefined when there is no answer in time, or the link ends. @throws the signal's reason */
export async function askGrant(
  link: Link,
  request: GrantRequest,
  { signal, observe }: { signal: AbortSignal; observe: Observe },
): Promise<GrantAnswer | undefined> {
  const asked = performance.now()
  const patience = AbortSignal.timeout(ANSWER_MS)
  const answer = await answerOf(link, request, AbortSignal.any([signal, patience])).catch((error: unknown) => {
    signal.throwIfAborted()
    if (error instanceof LinkError || patience.aborted) return undefined
    throw error
  })
  const seconds = (performance.now() - asked) / 1_000
  observe({ type: 'grant-asked', peer: link.peer, answered: answer !== undefined, seconds })
  return answer
}

async function answerOf(link: Link, request: GrantRequest, signal: AbortSignal): Promise<GrantAnswer> {
  const answer = await link.ask({ t: 'grant-ask', request }, signal)
  if (answer.t === 'grant-answer') return answer.answer
  link.close('sent a bad frame: an answer to another question')
  throw new LinkError('an answer to another question')
}
