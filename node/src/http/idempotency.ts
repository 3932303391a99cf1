import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { ProblemError } from './problems.ts'

/** Answers by key, so that a client that lost an answer can ask again without doing the thing twice. */
export interface AnswersByKey {
  /**
   * Runs `act` once per (route, key). The same key with another body is refused (IDEMPOTENCY_KEY_REUSED). A failure is not
   * kept. Without the header `act` simply runs.
   */
  once<T>(request: FastifyRequest, act: () => Promise<T>): Promise<T>
}

// In memory: the newest keys since the start of the process, and no longer than that.
const MAX_KEYS = 1_000

export function createAnswersByKey(): AnswersByKey {
  const kept = new Map<string, { readonly body: string; readonly answer: Promise<unknown> }>()

  function keep(name: string, body: string, answer: Promise<unknown>): void {
    const [oldest] = kept.keys()
    if (kept.size >= MAX_KEYS && oldest !== undefined) kept.delete(oldest)
    kept.set(name, { body, answer })
    // Whoever asked sees the failure; here it only means that the key is free again.
    answer.catch(() => kept.delete(name))
  }

  return {
    async once<T>(request: FastifyRequest, act: () => Promise<T>): Promise<T> {
      const key = keyIn(request)
      if (key === undefined) return act()
      const name = `${request.method} ${request.url} ${key}`
      const body = createHash('sha256')
        .update(JSON.stringify(request.body ?? null))
        .digest('hex')
      const known = kept.get(name)
      if (known !== undefined && known.body !== body) {
        throw new ProblemError('IDEMPOTENCY_KEY_REUSED', 'Use a new Idempotency-Key for a request with another body.')
      }
      // The key's route fixes the type of its answer.
      if (known !== undefined) return known.answer as Promise<T>
      const answer = act()
      keep(name, body, answer)
      return answer
    },
  }
}

function keyIn(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new ProblemError('REQUEST_INVALID', 'Send one Idempotency-Key of 1 to 255 visible ASCII characters.')
}
