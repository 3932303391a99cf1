import type { ReserveRequest } from '@bzzz/budget'
import type {
  AgentId,
  CallId,
  Entry,
  NanoUsd,
  Period,
  ReviewPhase,
  ThreadCap,
  ThreadId,
  TokensFrame,
  TokenUsage,
  TurnId,
} from '@bzzz/protocols'
import type { Completion, ModelProvider } from '../model/model.ts'
import type { ThreadView } from '../review/view.ts'
import type { Role } from '../roles/role.ts'

/** What turns need of the threads on this node. */
export interface ThreadsPort {
  /** Resolves once durable. The same (own peer, id) again is a no-op. */
  append(thread: ThreadId, entry: Entry): Promise<{ readonly repeated: boolean }>
  view(thread: ThreadId): Promise<ThreadView | undefined>
  list(): readonly { readonly thread: ThreadId; readonly state: string; readonly archived: boolean }[]
  /** After each durable change, own and foreign. @returns how to stop */
  subscribe(listener: (event: { readonly thread: ThreadId }) => void): () => void
}

/** What turns need of the budget: no call without a durable hold, no hold without an end. */
export interface BudgetPort {
  /** Once per thread, before its first reservation here; again it changes nothing. */
  openThread(thread: ThreadId, cap: ThreadCap | undefined): Promise<void>
  /**
   * With `send`, a `reserved` call is marked as sent in the same write: the request may leave at once.
   * @param patience until it is aborted, a call that lacks rights which others may have waits for them
   * @param waits told each time that it goes on waiting, with what it lacks then
   */
  reserve(request: ReserveRequest, patience: AbortSignal, waits: (lacking: Refused) => void): Promise<Reservation>
  /** `usage` null: the whole hold counts as spent. */
  settle(call: CallId, outcome: SettleOutcome): Promise<CallState>
  /** The hold stays as it is until there is evidence. */
  lose(call: CallId, reason: string, providerRequestId: string | null): Promise<void>
  /** Of one step or of all, ascending (step, attempt); calls of earlier runs of the node among them. */
  callsOf(turn: TurnId, step?: number): Promise<readonly CallState[]>
  /** Told when there may be more to spend. @returns how to stop */
  subscribe(listener: () => void): () => void
}

export type Reservation =
  | { readonly status: 'reserved'; readonly call: CallId; readonly max: NanoUsd }
  | { readonly status: 'known'; readonly call: CallState }
  | Refused

export interface Refused {
  readonly status: 'refused'
  readonly by: string
  readonly period: Period | null
  readonly reason: string
}

export interface SettleOutcome {
  readonly usage: TokenUsage | null
  /** As in {@link Completion}. */
  readonly unclear?: string | null
  readonly reply: string
  readonly providerRequestId: string | null
}

export interface CallState {
  readonly id: CallId
  readonly step: number
  readonly attempt: number
  readonly state: 'reserved' | 'sent' | 'settled' | 'uncertain' | 'released'
  readonly max: NanoUsd
  readonly actual: NanoUsd | null
  readonly reply: string | null
  readonly usage: TokenUsage | null
  readonly simulated: boolean
}

/** Threads in which nothing more can become due, remembered across restarts. Losing it costs a look at each of them. */
export interface FinishedPort {
  /** Those that have not changed since they were noted. */
  unchanged(): Promise<ReadonlySet<ThreadId>>
  /** What the thread is now: taken before it is looked at, noted afterwards. */
  markOf(thread: ThreadId): Promise<Uint8Array>
  note(thread: ThreadId, mark: Uint8Array): Promise<void>
}

/** An agent that lives on this node. */
export interface AgentDefinition {
  /** Unique on the node; `name@peer` in the mesh. */
  readonly name: string
  readonly role: Role
  /** As the provider names it. */
  readonly model: string
  /** Key of one of the node's providers. */
  readonly provider: string
}

export interface TurnLimits {
  /** Turns of one agent at the same time. */
  readonly concurrency: number
  /** Sent with each request, and held for. */
  readonly maxOutputTokens: number
  /** Left to the model when absent. */
  readonly temperature?: number
  /** One attempt may take so long from request to last token. */
  readonly callTimeoutMs: number
  /** Provider requests per step of a turn. A crash in the last one allows one more. */
  readonly attempts: number
}

/** Facts about turns, told after they happened. */
export type AgentFact =
  | ({ readonly type: 'turn-begun' } & AboutTurn)
  | ({ readonly type: 'turn-written'; readonly ms: number } & AboutTurn)
  | ({ readonly type: 'turn-paused'; readonly by: string; readonly reason: string } & AboutTurn)
  | ({ readonly type: 'turn-unavailable'; readonly reason: string } & AboutTurn)
  /** It will be tried again; `error` is not the model's (the disk, the change that is not here yet). */
  | ({ readonly type: 'turn-postponed'; readonly error: unknown } & AboutTurn)
  /** One provider request came to an end. `ms` from request to last token. */
  | {
      readonly type: 'call-ended'
      readonly call: CallId
      readonly turn: TurnId
      readonly agent: string
      readonly model: string
      readonly ms: number
      readonly error: string | null
      readonly usage: TokenUsage | null
      /** What the provider said of usage contradicts itself, and how: the whole hold was charged. */
      readonly unclear: string | null
    }
  | { readonly type: 'duty-done'; readonly thread: ThreadId; readonly duty: 'timeout' | 'escalation' | 'verdict' }
  | { readonly type: 'thread-failed'; readonly thread: ThreadId; readonly error: unknown }

export interface AboutTurn {
  readonly turn: TurnId
  readonly thread: ThreadId
  readonly agent: AgentId
  readonly phase: ReviewPhase
  readonly round: number
}

/** Everything that a turn is taken with. */
export interface TurnTools {
  readonly threads: Pick<ThreadsPort, 'append'>
  readonly budget: BudgetPort
  readonly provider: ModelProvider
  readonly agent: AgentDefinition
  readonly limits: TurnLimits
  readonly now: () => number
  /** Rejects with the signal's reason when aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly observe: (fact: AgentFact) => void
  /** As in {@link AgentsOptions}. */
  readonly tokens: (frame: TokensFrame) => void
  /** Aborted when no further request may begin. */
  readonly stopping: AbortSignal
  /** Aborted when the request in hand has to end too. */
  readonly abort: AbortSignal
}
