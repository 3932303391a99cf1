import { setTimeout as delay } from 'node:timers/promises'
import { MAX_PART, successorId, type ThreadId } from '@bzzz/protocols'
import type { ThreadsPort } from '../threads-port.ts'
import type { Pull } from './pull.ts'

/**
 * One peer after the other, since most have the same; who takes too long is not waited for before the next is asked, but
 * at the end all are. @returns how many were asked @throws the signal's reason
 */
export async function fetchFromEach(
  pulls: readonly Pick<Pull, 'fetch'>[],
  thread: ThreadId,
  { signal, patienceMs }: { readonly signal: AbortSignal; readonly patienceMs: number },
): Promise<number> {
  const aborted = Promise.withResolvers<never>()
  const giveUp = (): void => aborted.reject(signal.reason)
  const over = new AbortController()
  signal.throwIfAborted()
  signal.addEventListener('abort', giveUp, { once: true })
  const asked: Promise<void>[] = []
  try {
    for (const pull of pulls) {
      const fetched = pull.fetch(thread)
      asked.push(fetched)
      await Promise.race([fetched, patience(patienceMs, over.signal), aborted.promise])
    }
    await Promise.race([Promise.all(asked), aborted.promise])
    return asked.length
  } finally {
    over.abort()
    signal.removeEventListener('abort', giveUp)
  }
}

/**
 * A thread with all of its parts, of which nobody says how many there are: asked for until one is nowhere.
 * @param given of the thread, or of a part of it @returns how many were asked for the first of them @throws the signal's reason
 */
export async function fetchParts(
  threads: Pick<ThreadsPort, 'rootOf' | 'vector'>,
  given: ThreadId,
  fetch: (document: ThreadId) => Promise<number>,
): Promise<number> {
  const asked = await fetch(given)
  const thread = threads.rootOf(given)
  if (thread !== given) await fetch(thread)
  let last = thread
  for (let part = 1; part <= MAX_PART && (await threads.vector(last)).size > 0; part++) {
    last = successorId(thread, part)
    await fetch(last)
  }
  return asked
}

/** Resolves when the time is over, or when nobody waits any more. */
async function patience(ms: number, over: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: over }).catch((error: unknown) => {
    if (!over.aborted) throw error
  })
}
