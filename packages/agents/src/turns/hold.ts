import type { ReserveRequest } from '@bzzz/budget'
import type { CallId } from '@bzzz/protocols'
import type { Place } from './in-hand.ts'
import type { Refused, Reservation, TurnTools } from './ports.ts'

/** How a turn waits for money. */
export interface Waiting {
  readonly place: Place
  /** Says in the thread that the turn is paused, once for each pause. */
  readonly paused: (lacking: Refused) => Promise<void>
  /** Whether money may still be spent on it. */
  readonly stillDue: () => Promise<boolean>
}

export type Hold = Reservation | { readonly status: 'stopped' }

/** Rights that other nodes have come within milliseconds; only a call that waits for longer pauses its turn. */
const GRACE_MS = 2_000
const LOOK_AGAIN_MS = 5_000

export const NOTHING_USED = { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, reasoning: 0, cost: null }

/**
 * Holds money for a call. While it lacks rights that other nodes may have, it waits: after a moment the pause is written down,
 * and another turn may have its place. It goes on by itself once it is admitted, and is stopped when it is no longer due.
 */
export async function holdFor(request: ReserveRequest, waiting: Waiting, tools: TurnTools): Promise<Hold> {
  const answered = new AbortController()
  const over = new AbortController()
  let lacking: Refused | undefined
  const patience = AbortSignal.any([tools.stopping, over.signal])
  const reserving = tools.budget
    .reserve(request, patience, (refused) => {
      lacking = refused
    })
    .finally(() => answered.abort())
  const watching = pauseMeanwhile(waiting, () => lacking, { ...tools, answered: answered.signal }).finally(() => {
    if (!answered.signal.aborted) over.abort()
  })
  const [reserved, watched] = await Promise.allSettled([reserving, watching])
  if (reserved.status === 'rejected') throw reserved.reason
  const { value: reservation } = reserved
  if (!patience.aborted) await waiting.place.comeBack()
  const goesOn = !patience.aborted && (lacking === undefined || (await waiting.stillDue()))
  if (reservation.status === 'reserved' && !goesOn) await giveBack(reservation.call, tools)
  if (watched.status === 'rejected') throw watched.reason
  return goesOn || reservation.status === 'known' ? reservation : { status: 'stopped' }
}

/** Ends with the budget's answer, or when the turn is no longer due. */
async function pauseMeanwhile(
  { place, paused, stillDue }: Waiting,
  lacking: () => Refused | undefined,
  { sleep, answered }: Pick<TurnTools, 'sleep'> & { answered: AbortSignal },
): Promise<void> {
  if (!(await slept(GRACE_MS, { sleep, signal: answered }))) return
  place.leave()
  do {
    const refused = lacking()
    if (refused !== undefined) await paused(refused)
    if (!(await stillDue())) return
  } while (await slept(LOOK_AGAIN_MS, { sleep, signal: answered }))
}

/** What was admitted as sent and never left costs nothing. */
async function giveBack(call: CallId, { budget }: Pick<TurnTools, 'budget'>): Promise<void> {
  await budget.settle(call, { usage: NOTHING_USED, reply: '', providerRequestId: null })
}

/** @returns false when the signal ended it */
export async function slept(
  ms: number,
  { sleep, signal }: Pick<TurnTools, 'sleep'> & { signal: AbortSignal },
): Promise<boolean> {
  try {
    await sleep(ms, signal)
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}
