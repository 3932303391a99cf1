import type { CallId } from '@bzzz/protocols'
import type { ModelError } from '../model/model.ts'

const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 30_000
/** A provider that asks for more patience than this is not waited for: the seat reports itself unavailable. */
const MAX_RETRY_AFTER_MS = 120_000

/**
 * @param failures failed attempts so far, this one among them
 * @param call spreads retries of different calls, without a source of randomness
 * @returns how long to wait; undefined when the provider asks for too long
 */
export function retryDelayMs(error: ModelError, failures: number, call: CallId): number | undefined {
  if (error.retryAfterMs !== null) return error.retryAfterMs > MAX_RETRY_AFTER_MS ? undefined : error.retryAfterMs
  const full = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), MAX_DELAY_MS)
  const spread = Number.parseInt(call.slice(0, 8), 16) / 0xffffffff
  return Math.round(full * (0.5 + spread / 2))
}
