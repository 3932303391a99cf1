import type { BudgetPort } from '@bzzz/agents'
import type { Budget } from '@bzzz/budget'
import { isType, type ThreadId } from '@bzzz/protocols'
import type { Threads } from '@bzzz/threads'

/** Threads whose cap is known to be open here; the oldest is forgotten first, and asked for again. */
const MAX_REMEMBERED = 10_000

/**
 * The budget as turns use it: a thread's own cap is open before the first call in it is held, also after a restart, and
 * whichever way the thread came.
 */
export function budgetOfTurns(budget: Budget, threads: Pick<Threads, 'view'>): BudgetPort {
  const opened = new Set<ThreadId>()

  async function openCap(thread: ThreadId): Promise<void> {
    if (opened.has(thread)) return
    const view = await threads.view(thread)
    const first = view?.entries.map(({ entry }) => entry).find((entry) => isType(entry, 'open'))
    if (first === undefined) throw new Error(`thread ${thread} has no opening entry here`)
    await budget.openThread(thread, first.cap)
    const [oldest] = opened
    if (opened.size >= MAX_REMEMBERED && oldest !== undefined) opened.delete(oldest)
    opened.add(thread)
  }

  return {
    async reserve(request) {
      if (request.thread !== null) await openCap(request.thread)
      return budget.reserve(request)
    },
    sent: (call) => budget.sent(call),
    settle: (call, outcome) => budget.settle(call, outcome),
    lose: (call, reason) => budget.lose(call, reason),
    release: (call, reason) => budget.release(call, reason),
    callsOf: (turn) => budget.callsOf(turn),
    subscribe: (listener) => budget.subscribe(() => listener()),
  }
}
