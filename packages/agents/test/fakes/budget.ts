import type { ReserveRequest } from '@bzzz/budget'
import { type CallId, callIdOf, type NanoUsd, type ThreadId, type TurnId } from '@bzzz/protocols'
import type { BudgetPort, CallState, Refused, Reservation, SettleOutcome } from '../../src/turns/ports.ts'

interface FakeCall extends CallState {
  readonly turn: TurnId
  readonly unclear?: string | null | undefined
  readonly reason?: string
  readonly requestId?: string | null
}

/** An honest ledger in memory: one nano-dollar per token, and the rules of who may do what to a call when. */
export class FakeBudget implements BudgetPort {
  readonly calls = new Map<CallId, FakeCall>()
  readonly openedThreads = new Set<ThreadId>()
  limit: bigint
  /** Calls that were handed out. */
  callsRead = 0
  readonly #listeners = new Set<() => void>()
  /** Run before and after each operation; a test that never lets it return is a crash. */
  around: (moment: string) => Promise<void> = async () => undefined

  constructor(limit = 1_000_000_000n) {
    this.limit = limit
  }

  get charged(): bigint {
    return [...this.calls.values()].reduce((sum, call) => sum + chargeOf(call), 0n)
  }

  /** The same ledger after a crash: what was not settled is uncertain. */
  reopened(): FakeBudget {
    const budget = new FakeBudget(this.limit)
    for (const [id, call] of this.calls) {
      const open = call.state === 'reserved' || call.state === 'sent'
      budget.calls.set(id, open ? { ...call, state: 'uncertain' } : call)
    }
    return budget
  }

  raise(limit: bigint): void {
    this.limit = limit
    for (const listener of this.#listeners) listener()
  }

  async openThread(thread: ThreadId): Promise<void> {
    this.openedThreads.add(thread)
  }

  /** Whether others may have what lacks, so that calls wait for it. */
  shared = false
  /** How often a call began to wait. */
  waits = 0

  async reserve(
    request: ReserveRequest,
    patience: AbortSignal,
    waits: (lacking: Refused) => void,
  ): Promise<Reservation> {
    for (;;) {
      const reservation = await this.#reserve(request)
      if (reservation.status !== 'refused' || !this.shared || patience.aborted) return reservation
      this.waits++
      waits(reservation)
      await new Promise<void>((resolve) => {
        patience.addEventListener('abort', () => resolve(), { once: true })
        this.subscribe(resolve)
      })
    }
  }

  async #reserve(request: ReserveRequest): Promise<Reservation> {
    const { turn, step, attempt } = request
    if (request.thread !== null && !this.openedThreads.has(request.thread)) throw new Error('the thread is not open')
    const call = callIdOf(turn, step, attempt)
    const known = this.calls.get(call)
    if (known !== undefined) return { status: 'known', call: known }
    const max = BigInt(request.inputTokens + request.outputTokens) as NanoUsd
    if (this.charged + max > this.limit) {
      return {
        status: 'refused',
        by: 'day',
        period: null,
        reason: `needs ${max}, of ${this.limit} ${this.charged} are spent`,
      }
    }
    await this.around('before reserve')
    const state = request.send === true ? 'sent' : 'reserved'
    const fresh = { state, max, actual: null, reply: null, usage: null, simulated: false } as const
    this.calls.set(call, { id: call, turn, step, attempt, ...fresh })
    await this.around('after reserve')
    return { status: 'reserved', call, max }
  }

  async settle(call: CallId, { usage, unclear, reply }: SettleOutcome): Promise<CallState> {
    await this.around('before settle')
    const { max } = this.#get(call)
    const actual = (usage === null ? max : BigInt(usage.input + usage.output)) as NanoUsd
    const settled = this.#move(call, ['sent', 'uncertain'], { state: 'settled', actual, reply, usage, unclear })
    await this.around('after settle')
    return settled
  }

  async lose(call: CallId, reason: string, requestId: string | null): Promise<void> {
    this.#move(call, ['sent'], { state: 'uncertain', reason, requestId })
  }

  async callsOf(turn: TurnId, step?: number): Promise<readonly CallState[]> {
    const calls = [...this.calls.values()]
      .filter((call) => call.turn === turn && (step === undefined || call.step === step))
      .sort((a, b) => a.step - b.step || a.attempt - b.attempt)
    this.callsRead += calls.length
    return calls
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #get(id: CallId): FakeCall {
    const call = this.calls.get(id)
    if (call === undefined) throw new Error(`no call ${id}`)
    return call
  }

  #move(id: CallId, from: readonly CallState['state'][], to: Partial<FakeCall>): FakeCall {
    const call = this.#get(id)
    if (!from.includes(call.state)) throw new Error(`a ${call.state} call cannot become ${to.state}`)
    const moved = { ...call, ...to }
    this.calls.set(id, moved)
    return moved
  }
}

function chargeOf({ state, actual, max }: CallState): bigint {
  return state === 'released' ? 0n : (actual ?? max)
}
