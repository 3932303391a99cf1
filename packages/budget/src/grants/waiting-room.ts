import { type Account, accountKey, type CallId, type ThreadId, type TurnId } from '@bzzz/protocols'
import type { Books } from '../books/books.ts'
import { type Claim, calendarPeriods, type Kept } from '../calls/admission.ts'
import type { Refusal, Reservation, ReserveRequest } from '../calls/reservation.ts'
import type { Terms } from '../calls/terms.ts'
import type { Standing } from '../ledger/standing.ts'
import { availableTo, reachableTo, type Standpoint } from './standing-rights.ts'
import { type AmountIn, admissibleOf, claimsOf, hopefulOf, isOlder, lookedUpOnce, type Waiter } from './waiters.ts'

/** A call that waits until rights come, or its caller's patience ends. */
export interface WaitingCall extends Waiter {
  readonly turn: TurnId
  readonly thread: ThreadId | null
  readonly agent: string
  readonly model: string
  /** As it was refused last. */
  readonly refusal: Refusal
}

export interface Attempt {
  readonly reservation: Reservation
  /** What the call would take, when the rights of others could mend its refusal. */
  readonly claim: Claim | undefined
}

/** Calls that were refused for want of rights that others may have; the oldest goes first. */
export interface WaitingRoom {
  /** Oldest first. */
  calls(): readonly WaitingCall[]
  /** Tries until the call is admitted, is refused for another reason, or the caller's patience ends. */
  reserve(
    call: CallId,
    request: ReserveRequest,
    attempt: () => Promise<Attempt>,
    patience: AbortSignal,
    waits?: (refusal: Refusal) => void,
  ): Promise<Reservation>
  /** @param listener told when a call begins to wait, or waits on for something else. @returns how to stop */
  onWaiting(listener: () => void): () => void
  /** What calls that waited before this one claim; before a call that does not wait, all of them. */
  keptBefore(books: Books, nowMs: number, call: CallId): Kept
  keptFor(books: Books, sinceMs: number, asker: Account): { readonly older: AmountIn; readonly all: AmountIn }
  /** Something may fit now: rights came, a hold was given back, a period began. */
  wake(): void
  /** Nobody waits any more: every call is tried once again, and told what it is told. */
  wakeAll(): void
}

interface Entry {
  waiting: WaitingCall
  tryAgain: () => void
}

// Bounds the memory of what waits, and the time that one look at all of it takes. One more is refused at once.
const MAX_WAITING = 1_000

export interface WaitingRoomOptions {
  readonly standing: Standing
  readonly terms: (nowMs: number) => Terms
  readonly reachable: AmountIn
  readonly now: () => number
}

export function createWaitingRoom({ standing, terms, reachable, now }: WaitingRoomOptions): WaitingRoom {
  const entries = new Set<Entry>()
  const listeners = new Set<() => void>()
  let ended = false
  let lastRunning = ''
  let waking = false

  const calls = (): WaitingCall[] =>
    [...entries].map(({ waiting }) => waiting).toSorted((a, b) => a.sinceMs - b.sinceMs)

  function hopefulAt(waiters: readonly WaitingCall[], at: Standpoint, available = availableTo(at)): Waiter[] {
    if (waiters.length === 0) return []
    const reached = reachableTo(at, reachable)
    return hopefulOf(
      waiters,
      lookedUpOnce((period) => available(period) + reached(period)),
    )
  }

  function admissible(): Set<Waiter> {
    const waiters = calls()
    const at = { terms: terms(now()), standing }
    const available = availableTo(at)
    return new Set(admissibleOf(waiters, new Set(hopefulAt(waiters, at, available)), available))
  }

  function wake(): void {
    if (entries.size === 0) return
    const fit = admissible()
    // In a new day or month every claim is another.
    const running = calendarPeriods(terms(now()), standing.lastOpened).join()
    const isNew = running !== lastRunning
    lastRunning = running
    for (const entry of entries) if (isNew || fit.has(entry.waiting)) entry.tryAgain()
  }

  /** Once for all that leave in one go. */
  function wakeSoon(): void {
    if (!waking) queueMicrotask(wakeNow)
    waking = true
  }

  function wakeNow(): void {
    waking = false
    wake()
  }

  /** Resolves when the call seems to fit, or patience is over. */
  function untilItFits(entry: Entry, patience: AbortSignal): Promise<void> {
    return new Promise<void>((resolve) => {
      const done = (): void => {
        patience.removeEventListener('abort', done)
        entry.tryAgain = ignore
        resolve()
      }
      entry.tryAgain = done
      patience.addEventListener('abort', done)
      // It may have changed while the call was being refused.
      if (patience.aborted || ended || admissible().has(entry.waiting)) done()
    })
  }

  async function reserve(
    call: CallId,
    request: ReserveRequest,
    attempt: () => Promise<Attempt>,
    patience: AbortSignal,
    waits?: (refusal: Refusal) => void,
  ): Promise<Reservation> {
    let entry: Entry | undefined
    const sinceMs = now()
    try {
      for (;;) {
        const { reservation, claim } = await attempt()
        if (reservation.status !== 'refused' || claim === undefined || patience.aborted || ended) return reservation
        if (entry === undefined && entries.size >= MAX_WAITING) return reservation
        const { turn, thread, agent, model } = request
        const waiting = { call, turn, thread, agent, model, sinceMs, claim, refusal: reservation }
        if (entry === undefined) entry = { waiting, tryAgain: ignore }
        else entry.waiting = waiting
        entries.add(entry)
        waits?.(reservation)
        for (const listener of listeners) listener()
        await untilItFits(entry, patience)
      }
    } finally {
      if (entry !== undefined && entries.delete(entry)) wakeSoon()
    }
  }

  return {
    calls,
    reserve,
    onWaiting(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    keptBefore(books, nowMs, call) {
      return claimsOf(standingBefore(hopefulAt(calls(), { terms: terms(nowMs), standing, books }), calls(), call))
    },
    keptFor(books, sinceMs, asker) {
      const at = { terms: terms(now()), standing, books }
      const waiters = hopefulAt(calls(), at)
      const name = accountKey(at.terms.account)
      const place = { sinceMs, name: accountKey(asker) }
      const older = waiters.filter((waiter) => isOlder({ sinceMs: waiter.sinceMs, name }, place))
      return { older: claimsOf(older), all: claimsOf(waiters) }
    },
    wake,
    wakeAll() {
      ended = true
      for (const { tryAgain } of entries) tryAgain()
    },
  }
}

/** The hopeful ones that stand before a call that waits, or all of them when it does not. */
function standingBefore(hopeful: readonly Waiter[], all: readonly WaitingCall[], call: CallId): readonly Waiter[] {
  const own = all.findIndex((waiter) => waiter.call === call)
  if (own === -1) return hopeful
  const before = new Set<Waiter>(all.slice(0, own))
  return hopeful.filter((waiter) => before.has(waiter))
}

function ignore(): void {}
