import { setTimeout as delay } from 'node:timers/promises'
import type { ThreadId } from '@bzzz/protocols'
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

/** Resolves when the time is over, or when nobody waits any more. */
async function patience(ms: number, over: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: over }).catch((error: unknown) => {
    if (!over.aborted) throw error
  })
}
