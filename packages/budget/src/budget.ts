import {
  type Account,
  type Boot,
  type CallId,
  callIdOf,
  equalBytes,
  type NanoUsd,
  type OpenedManifest,
  type Period,
  type Signer,
  type Slot,
  type ThreadCap,
  type ThreadId,
  type TurnId,
  type Verify,
} from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { beginRun } from './begin-run.ts'
import { stopOf } from './books/books.ts'
import type { Call, CallState } from './calls/call.ts'
import { clockJump } from './calls/clock-jump.ts'
import type { CallOutcome, Refusal, Reservation, ReserveRequest } from './calls/reservation.ts'
import {
  loseTask,
  openThreadTask,
  overdueReleases,
  releaseTask,
  reserveTask,
  sentTask,
  settleTask,
} from './calls/tasks.ts'
import type { Terms } from './calls/terms.ts'
import { type WordTaken, wordTask } from './calls/word.ts'
import { type BudgetFact, factsOf } from './facts.ts'
import { createMoving, type Moving } from './grants/moving.ts'
import { createWatching, type Watching } from './grants/sight.ts'
import { type Attempt, createWaitingRoom } from './grants/waiting-room.ts'
import { hex } from './ledger/chain.ts'
import type { FormerLedger } from './ledger/ledgers.ts'
import type { Marker } from './ledger/marker.ts'
import { openLedger } from './ledger/open-ledger.ts'
import { readCall, readUncertain } from './ledger/read.ts'
import { readCallIn, readCostsIn, readNamesIn, readTurnIn } from './ledger/read-all.ts'
import { acknowledgeTask, withoutRights } from './manifest/acknowledge.ts'
import { usedUpDay } from './periods/agent-days.ts'
import { isShared } from './periods/charged.ts'
import { rightsOf } from './periods/rights.ts'
import { priceOf } from './prices/cost.ts'
import type { PriceTable } from './prices/table.ts'
import { type BudgetReport, breakdownOf, type CostBreakdown, reportOf } from './report.ts'
import { type Rules, SHIPPED_RULES } from './rules.ts'
import { type OwnSlot, sealTask } from './slots/own.ts'
import { slotSealer } from './slots/seal.ts'
import { openWriter, type WrittenPage } from './writer.ts'

export interface BudgetOptions {
  /** The ledgers' room; nobody else writes to it. */
  readonly room: Room
  /** Without it, nothing local tells a ledger that was put back. */
  readonly marker?: Marker
  /** The newest; asked again and again, since a newer one may come into force while the node runs. */
  readonly manifest: () => OpenedManifest
  /**
   * Whether the owner signed two versions with one number of which the newest is one, or follows one, and heals neither: it is not
   * acknowledged then. Never, without.
   */
  readonly contested?: () => boolean
  readonly signer: Signer
  readonly prices: PriceTable
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  /** Lower limits of this node alone; they hold at once. */
  readonly localCaps?: { readonly day?: NanoUsd; readonly month?: NanoUsd }
  /** What other accounts are known to have in a period: decides who waits and who is asked, and never admits more. */
  readonly reachable?: (period: Period) => bigint
  /** Of signatures of others; only a simulation has another. */
  readonly verifies?: Verify
  readonly observe?: (fact: BudgetFact) => void
}

/** What this node may spend, and what it did. All that is written is synced before its promise resolves. */
export interface Budget extends Moving, Watching {
  readonly account: Account
  /** Accounts of this machine whose ledgers may not go on, oldest first. Their calls and costs are still told. */
  readonly former: ReadonlyArray<Omit<FormerLedger, 'room'>>
  /** The present opening of the ledger: grants are made out to it. */
  readonly boot: Boot
  /** `none`: the manifest that was acknowledged names no allotment for this account, and every call that costs anything is refused. */
  readonly rights: 'allotted' | 'none'
  /**
   * Opens periods by the newest manifest from now on; resolves once that is synced. To be asked whenever a newer one came into
   * force, or is no longer contested; opening the budget does it too.
   * @throws {BudgetError} FROZEN, BUSY or CLOSED
   */
  acknowledge(): Promise<void>
  /** What the mesh's owner is to be told until he knows it: the newest acknowledgement, sealed. Undefined before the first. */
  ack(): Uint8Array | undefined
  /**
   * Opens a thread's period once, with this account's share of the cap in the thread's first entry; nothing for a
   * thread without a cap. Comes before the first reservation in the thread.
   * @throws {BudgetError} BAD_SHARES when the cap's shares exceed it
   */
  openThread(thread: ThreadId, cap: ThreadCap | undefined): Promise<void>
  /**
   * Holds the call's highest cost in every period it belongs to, or in none. Only `reserved` allows sending.
   * @param patience until it is aborted, a call that lacks rights which others may have waits for them; the oldest goes first
   * @param waits told each time that it goes on waiting, with what it lacks then
   */
  reserve(request: ReserveRequest, patience?: AbortSignal, waits?: (refusal: Refusal) => void): Promise<Reservation>
  /** Comes before the request leaves, once per call. @throws {BudgetError} CALL_STATE when the call may not be sent */
  sent(call: CallId): Promise<void>
  /** Books what the call cost, with its reply. A repeat changes nothing and answers what was booked. */
  settle(call: CallId, outcome: CallOutcome): Promise<CallState>
  /** It may have been billed and nobody knows: the whole hold stays charged. */
  lose(call: CallId, reason: string, providerRequestId?: string | null): Promise<void>
  /**
   * Books what an operator says that an uncertain call cost, 0 when it was not billed; nothing can check it. The same word
   * again changes nothing.
   */
  settleByWord(call: CallId, amount: NanoUsd): Promise<WordTaken>
  /** Calls of which nobody knows whether they were billed, in the order of their ids; each has a reply of null. */
  uncertainCalls(limit: number): Promise<readonly CallState[]>
  /** Gives the hold back. @throws {BudgetError} CALL_STATE when it was sent */
  release(call: CallId, reason: string): Promise<void>
  call(call: CallId): Promise<CallState | undefined>
  /** Calls whose ids begin so, in their order: whatever became of them, in every ledger that is here. */
  callsNamed(prefix: string, limit: number): Promise<readonly CallId[]>
  /** Of one step or of all, ascending (step, attempt). */
  callsOf(turn: TurnId, step?: number): Promise<readonly CallState[]>
  report(): BudgetReport
  /** Costs that are listed under one UTC day (`d:2026-11-22`), from disk. */
  breakdown(day: Period): Promise<CostBreakdown>
  /**
   * Own slots of the running periods and of a day ago, and of threads with a cap, with their DHT keys: sealed anew where
   * something has changed, and synced. @throws {BudgetError} FROZEN, BUSY or CLOSED
   */
  slots(): Promise<readonly OwnSlot[]>
  /**
   * Ends this account for good: own slots of the running periods, sealed as closed and synced. Comes after the last call and
   * grant; nothing is taken any more. @throws {BudgetError} FROZEN, BUSY or CLOSED
   */
  retire(): Promise<readonly OwnSlot[]>
  /** What a slot tells has changed. Not called for an agent's day, which has none. */
  subscribe(listener: (period: Period) => void): () => void
  /**
   * Another clock's time of this moment: a peer's card, the Date header of a provider's reply. After a gap of more than
   * one day or month (of 45 days, when this node is the whole mesh), new periods are opened only once one agrees.
   */
  witnessTime(wallMs: number): void
  /** Why this node's clock cannot be gone by now, in words; undefined while nothing speaks against it. */
  clockDoubt(): string | undefined
  /** Waits for what is being written. What is in flight then is uncertain at the next opening. */
  close(): Promise<void>
}

// The Date header of HTTP has whole seconds.
const CLOCK_RESOLUTION_MS = 1_000

/**
 * Rebuilds the node's standing from its ledger. Calls of an earlier run that nothing came of become uncertain, each at
 * its whole hold.
 * @throws {BudgetError} LEDGER_BROKEN when the ledger cannot be trusted
 */
export function openBudget(options: BudgetOptions): Promise<Budget> {
  return openBudgetBy(SHIPPED_RULES, options)
}

/** @param rules the shipped ones, but in a test or a simulation */
export async function openBudgetBy(rules: Rules, options: BudgetOptions): Promise<Budget> {
  const { signer, prices, now, localCaps = {}, observe, verifies, marker } = options
  const { reachable = nothing, contested = no } = options
  const { mesh } = options.manifest()
  const newest = () => options.manifest().manifest
  const { room, account, standing, former, begunMs } = await openLedger({ ...options, peer: signer.peer })
  const ledgers = { room, former }
  const beginning = { atMs: begunMs, isSecond: former.length > 0 }
  const listeners = new Set<(period: Period) => void>()
  let agreedMs: number | undefined
  let retired = false

  const terms = (nowMs: number): Terms => {
    const taken = newest()
    const manifest = rules.opensBy(standing.acked?.manifest ?? withoutRights(taken), taken)
    const skewMs = rules.guardMs(taken.clockSkewMs)
    const agentsUsedUp = usedUpDay({ manifest, newest: taken }, account, beginning)
    return { account, manifest, newest: taken, localCaps, clock: { nowMs, skewMs }, agreedMs, agentsUsedUp }
  }
  const slotState = (): Slot['state'] => {
    if (stopOf(standing, account) !== undefined) return 'frozen'
    return retired ? 'closed' : 'open'
  }
  const waitingRoom = createWaitingRoom({ standing, terms, reachable, now })
  const writer = openWriter({
    room,
    standing,
    mark:
      marker &&
      (() =>
        marker.write({ account, boot: standing.meta.boot, head: standing.head, signedSeq: standing.meta.signedSeq })),
    seal: slotSealer({
      ...{ mesh, account, signer },
      manifestVersion: () => standing.acked?.version ?? 0,
      state: slotState,
    }),
    now,
    due: (nowMs) => overdueReleases(standing, nowMs),
    toldAfter: rules.toldAfter,
    onWritten: tell,
    onFrozen(cause) {
      observe?.({ type: 'frozen', cause })
      waitingRoom.wakeAll()
    },
  })
  const { heed, ...watching } = createWatching({
    ...{ mesh, account, verifies, terms, standing, ledger: room, writer, now },
    observe: (fact) => observe?.(fact),
    onStopped: () => waitingRoom.wakeAll(),
  })
  const { noteSpending, ...moving } = createMoving({
    ...{
      mesh,
      account,
      signer,
      verifies,
      rules,
      standing,
      terms,
      writer,
      room: waitingRoom,
      reachable,
      now,
      watching: { heed },
    },
    observe: (fact) => observe?.(fact),
  })

  function tell({ records, books, periods, elapsedMs }: WrittenPage): void {
    observe?.({ type: 'written', records: records.length, elapsedMs })
    for (const fact of records.flatMap((record) => factsOf(record, books, account))) observe?.(fact)
    if (records.length === 0) return
    for (const { event } of records) if (event.kind === 'reserved') noteSpending(event.max)
    waitingRoom.wake()
    for (const { balance } of periods) {
      if (isShared(balance.period)) for (const listener of listeners) listener(balance.period)
    }
  }

  async function stateOf(call: Call): Promise<CallState> {
    return (await readCall(room, call.id)) ?? { ...call, reply: null }
  }

  async function attempt(request: ReserveRequest, askedMs: number): Promise<Attempt> {
    const price = priceOf(prices, request.model)
    const kept = waitingRoom.keptBefore
    const attempted = await writer.submit(
      reserveTask(request, { rules, askedMs, standing, terms, price, stateOf, kept }),
    )
    const { reservation } = attempted
    if (reservation.status === 'refused') {
      const { status: _, ...refusal } = reservation
      observe?.({ type: 'refused', agent: request.agent, model: request.model, ...refusal })
    }
    return attempted
  }

  async function reserve(
    request: ReserveRequest,
    patience?: AbortSignal,
    waits?: (refusal: Refusal) => void,
  ): Promise<Reservation> {
    const askedMs = now()
    if (patience === undefined) return (await attempt(request, askedMs)).reservation
    const call = callIdOf(request.turn, request.step, request.attempt)
    return waitingRoom.reserve(call, request, () => attempt(request, askedMs), patience, waits)
  }

  function witnessTime(wallMs: number): void {
    const nowMs = now()
    const differenceMs = wallMs - nowMs
    if (Math.abs(differenceMs) <= newest().clockSkewMs + CLOCK_RESOLUTION_MS) agreedMs = nowMs
    else observe?.({ type: 'clock-disagrees', differenceMs })
  }

  const acknowledging = { mesh, account, signer, standing, manifest: options.manifest, contested }
  const acknowledge = (): Promise<void> => writer.submit(acknowledgeTask(acknowledging))

  await beginRun({ ...options, room }, standing, writer, rules)
  await acknowledge()
  const { priceTableHash } = newest()
  if (!equalBytes(prices.hash, priceTableHash)) {
    observe?.({ type: 'price-table-differs', own: hex(prices.hash), manifest: hex(priceTableHash) })
  }

  return {
    ...moving,
    ...watching,
    account,
    former: former.map(({ room: _, ...ledger }) => ledger),
    boot: standing.meta.boot,
    get rights() {
      return rightsOf(terms(now()).manifest, account)
    },
    acknowledge,
    ack: () => standing.acked?.ack,
    openThread: async (thread, cap) => {
      if (cap !== undefined) await writer.submit(openThreadTask(thread, cap, terms(now())))
    },
    reserve,
    sent: (call) => writer.submit(sentTask(call)),
    settle: (call, outcome) => writer.submit(settleTask(call, outcome, stateOf)),
    lose: (call, reason, requestId) => writer.submit(loseTask(call, { reason, requestId }, rules)),
    settleByWord: async (call, amount) => writer.submit(wordTask(call, amount)),
    uncertainCalls: (limit) => readUncertain(room, limit),
    release: (call, reason) => writer.submit(releaseTask(call, reason)),
    call: (call) => readCallIn(ledgers, call),
    callsNamed: (prefix, limit) => readNamesIn(ledgers, prefix, limit),
    callsOf: (turn, step) => readTurnIn(ledgers, turn, step),
    report: () => reportOf({ terms: terms(now()), standing, prices, condition: writer.condition }),
    breakdown: async (day) => breakdownOf(day, await readCostsIn(ledgers, day)),
    slots: () => writer.submit(sealTask(mesh, account, standing, terms(now()).clock)),
    async retire() {
      retired = true
      const slots = await writer.submit(sealTask(mesh, account, standing, terms(now()).clock))
      await writer.close()
      waitingRoom.wakeAll()
      return slots
    },
    subscribe: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    witnessTime,
    clockDoubt: () => clockJump(terms(now()), standing.lastOpened)?.words,
    close() {
      const closed = writer.close()
      waitingRoom.wakeAll()
      return closed
    },
  }
}

function no(): boolean {
  return false
}

function nothing(): bigint {
  return 0n
}
