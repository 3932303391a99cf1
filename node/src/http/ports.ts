import type { Review } from '@bzzz/agents'
import type {
  Account,
  AgentCard,
  AgentId,
  ChangeSet,
  Entry,
  EntryOf,
  NanoUsd,
  NodeCard,
  PeerId,
  Period,
  ReviewPhase,
  ReviewTerms,
  ThreadId,
  TurnId,
} from '@bzzz/protocols'

/** What the doors need of the node. The rooms' own objects fit `threads`, `mesh`, `budget` and `counter` as they are. */
export interface DoorPorts {
  readonly node: NodePort
  readonly threads: ThreadsPort
  readonly mesh: MeshPort
  readonly budget: BudgetPort
  readonly counter: CounterPort
  readonly reviews: ReviewsPort
  readonly turns: TurnsPort
  readonly metrics: MetricsPort
}

interface NodePort {
  readonly peer: PeerId
  readonly label: string
  /** The mesh's name for people. */
  readonly network: string
  /** As configured (NODE_ROLE); nothing hangs on it. */
  readonly role: string
  readonly version: string
  readonly startedMs: number
  /** Parts of a limit in thousandths at which it is worth a warning, from the manifest. */
  readonly thresholds: { readonly warning: number; readonly critical: number }
  condition(): { readonly store: 'open' | 'frozen' | 'closed'; readonly transport: 'up' | 'down' }
  /** From calls that were made; never makes one. `configured`: a provider and, where it needs one, its key are there. */
  model(): {
    readonly provider: string
    readonly model: string
    readonly simulated: boolean
    readonly configured: boolean
    readonly lastOkMs: number | null
    readonly lastError: string | null
  }
}

/** Part of @bzzz/threads. */
interface ThreadsPort {
  /** Resolves once the entry is synced to disk. */
  create(open: EntryOf<'open'>): Promise<Appended>
  /** Resolves once the entry is synced to disk. Rejects with the room's `code`, e.g. THREAD_UNKNOWN. */
  append(thread: ThreadId, entry: Entry): Promise<Appended>
  view(thread: ThreadId): Promise<ThreadView | undefined>
  list(): readonly ThreadSummary[]
  /** After the synced write, in order. */
  subscribe(listener: (event: ThreadEvent) => void): () => void
}

export interface Appended {
  readonly thread: ThreadId
  readonly id: string
  readonly heads: readonly string[]
}

/** Entries are shown only when their author's peer signed them. */
export interface ViewedEntry {
  readonly entry: Entry
  /** Whose key signed it. */
  readonly peer: PeerId
  readonly actor: string
  readonly seq: number
  readonly index: number
  /** Hash of its change. */
  readonly change: string
}

export interface ThreadView {
  readonly thread: ThreadId
  readonly heads: readonly string[]
  /** In causal order. */
  readonly entries: readonly ViewedEntry[]
  precedes(a: ViewedEntry, b: ViewedEntry): boolean
}

export interface ThreadSummary {
  readonly thread: ThreadId
  readonly topic: string
  readonly project: string
  readonly createdMs: number
  readonly lastMs: number
  readonly entries: number
  readonly state: 'active' | 'approved' | 'changes_requested' | 'escalated'
}

export interface ThreadEvent {
  readonly thread: ThreadId
  readonly entries: readonly ViewedEntry[]
}

/** Part of @bzzz/mesh. */
interface MeshPort {
  addrs(): readonly string[]
  /** Every member but this node. */
  peers(): readonly PeerStatus[]
  /** Newest card of each member, this node's included. */
  cards(): readonly HeldCard[]
  subscribe(listener: (event: MeshEvent) => void): () => void
}

export type MeshEvent =
  | { readonly type: 'peer'; readonly status: { readonly peer: PeerId } }
  | { readonly type: 'card'; readonly card: { readonly peer: PeerId } }

export interface PeerStatus {
  readonly peer: PeerId
  readonly label: string
  readonly state: 'online' | 'offline' | 'connecting'
  readonly addrs: readonly string[]
  readonly latencyMs: number | null
  readonly lastSeenMs: number | null
  readonly reason: string | null
}

export interface HeldCard {
  readonly card: Pick<NodeCard, 'peer' | 'label'> & { readonly agents: readonly AgentCard[] }
  readonly live: boolean
  readonly receivedMs: number
}

/** Part of @bzzz/budget: this node's own books. */
interface BudgetPort {
  report(): BudgetReport
  /** Costs of one UTC day. */
  breakdown(day: Period): Promise<CostBreakdown>
  subscribe(listener: (period: Period) => void): () => void
}

export interface BudgetReport {
  readonly rights: 'allotted' | 'none'
  readonly condition: 'open' | 'frozen' | 'closed'
  /** Days, months, agents' days and threads that are running now. */
  readonly periods: readonly BudgetLine[]
}

export interface BudgetLine {
  readonly period: Period
  readonly kind: 'day' | 'month' | 'agent-day' | 'thread'
  readonly initial: NanoUsd
  /** A lower value of this node's configuration. */
  readonly localCap: NanoUsd | null
  readonly spent: NanoUsd
  readonly held: NanoUsd
  readonly available: NanoUsd
}

export interface CostBreakdown {
  readonly byAgent: readonly CostLine[]
  readonly byModel: readonly CostLine[]
  readonly byThread: readonly CostLine[]
}

export interface CostLine {
  readonly name: string
  readonly calls: number
  readonly spent: NanoUsd
  readonly held: NanoUsd
  readonly inputTokens: number
  readonly outputTokens: number
  readonly simulated: boolean
}

/** The counter that all nodes share. */
export interface CounterPort {
  /** The mesh's sum of one period. Accounts whose slot is not found until the signal aborts are missing: no rejection. */
  total(period: Period, options: { readonly signal: AbortSignal }): Promise<MeshTotal>
}

export interface MeshTotal {
  readonly limit: NanoUsd
  /** At least so much is settled or held. */
  readonly low: NanoUsd
  /** At most so much. */
  readonly high: NanoUsd
  /** `wallMs` is null where no slot was found. */
  readonly byAccount: readonly {
    readonly account: Account
    readonly charged: NanoUsd
    readonly wallMs: number | null
  }[]
  readonly missing: readonly Account[]
}

/** @bzzz/agents, with the node's blobs and accounts behind it. */
export interface ReviewsPort {
  /** Changes nothing. */
  plan(order: ReviewOrder): Promise<ReviewPlan>
  /** Stores the change and opens the thread: both synced to disk when it resolves. */
  open(order: ReviewOrder): Promise<ReviewOpening>
  /** `readReview`; undefined for a thread that is no review. */
  standing(view: ThreadView): Review | undefined
  /** The change under review, from this node's disk; undefined while it is not here, or when it cannot be read. */
  change(hash: string): Promise<ChangeSet | undefined>
}

export interface ReviewOrder {
  readonly change: ChangeSet
  readonly required: readonly string[]
  /** Null: no cap of its own. */
  readonly budget: NanoUsd | null
  readonly rounds: number
  readonly seatTimeoutMs: number
}

export type RolesMissing = { readonly status: 'missing'; readonly roles: readonly string[] }
export type ReviewPlan =
  /** `highest`: all calls at their bounds; a cap is not in it. */
  { readonly status: 'ready'; readonly terms: ReviewTerms; readonly highest: NanoUsd } | RolesMissing
type ReviewOpening =
  | { readonly status: 'opened'; readonly terms: ReviewTerms; readonly appended: Appended }
  | RolesMissing

/** Turns of this node's agents, as they happen. */
interface TurnsPort {
  subscribe(listener: (event: TurnNews) => void): () => void
}

export interface TurnNews {
  readonly thread: ThreadId
  readonly turn: TurnId
  readonly agent: AgentId
  readonly phase: ReviewPhase
  readonly round: number
  readonly state: 'started' | 'finished' | 'paused' | 'unavailable' | 'failed'
  readonly reason: string | null
}

/** The Prometheus text of everything that is measured. */
interface MetricsPort {
  readonly contentType: string
  metrics(): Promise<string>
}
