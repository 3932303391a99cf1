import type { Review } from '@bzzz/agents'
import type { Budget } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import type {
  AgentId,
  ChangeSet,
  Manifest,
  NanoUsd,
  PeerId,
  Period,
  ReviewPhase,
  ReviewTerms,
  ThreadId,
  TurnId,
} from '@bzzz/protocols'
import type { Appended, Threads, ThreadView } from '@bzzz/threads'
import type { Alerts } from '../budget/alerts.ts'
import type { ManifestChanges } from '../budget/changes.ts'
import type { Left } from '../budget/leave.ts'
import type { SharedCounter } from '../counter/shared-counter.ts'
import type { KnownAccounts } from '../membership/accounts.ts'
import type { Invites } from '../membership/invites.ts'
import type { LeastCap } from '../reviews/least-cap.ts'
import type { SyncGateway } from '../sync/gateway.ts'

/** What the doors need of the node. */
export interface DoorPorts {
  readonly node: NodePort
  readonly threads: Pick<
    Threads,
    | 'create'
    | 'append'
    | 'view'
    | 'preview'
    | 'onPreview'
    | 'list'
    | 'summary'
    | 'parts'
    | 'rootOf'
    | 'subscribe'
    | 'compress'
  >
  readonly mesh: Pick<Mesh, 'addrs' | 'peers' | 'cards' | 'subscribe' | 'holders' | 'followTokens'>
  readonly budget: Pick<
    Budget,
    | 'account'
    | 'report'
    | 'breakdown'
    | 'subscribe'
    | 'settleByWord'
    | 'uncertainCalls'
    | 'waiting'
    | 'call'
    | 'callsNamed'
    | 'callsOf'
  >
  readonly rights: RightsPort
  readonly alerts: Pick<Alerts, 'list' | 'subscribe'>
  readonly counter: Pick<SharedCounter, 'total'>
  readonly following: FollowingPort
  readonly reviews: ReviewsPort
  readonly turns: TurnsPort
  readonly invites: InvitesPort
  readonly manifest: ManifestPort
  readonly sync: SyncPort
  readonly metrics: MetricsPort
  readonly accounts: KnownAccounts
}

/** The door for laptops, and the public key of the node that signs for them. */
export type SyncPort = Pick<SyncGateway, 'tokens' | 'identify' | 'admit' | 'open' | 'revoke' | 'key'>

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
  /** Before these periods no limit is raised, from the manifest. */
  readonly restored: Manifest['restored']
  /** In force. */
  manifestVersion(): number
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

/** Threads that this node does not keep up with by itself. */
interface FollowingPort {
  /**
   * What is here already is left as it is; a thread of a project that is not followed, or that is not here at all, is fetched
   * from the peers and kept up with from then on.
   */
  bring(thread: ThreadId): Promise<Brought>
  /** False where only the opening is sure to be here: what was written since, this node cannot tell. */
  follows(thread: ThreadId): boolean
}

export type Brought =
  /** Perhaps only in part, when no peer could be asked. */
  | { readonly status: 'here' }
  /** None of so many peers has it. */
  | { readonly status: 'nowhere'; readonly asked: number }
  | { readonly status: 'late' }

/** @bzzz/agents, with the node's blobs and accounts behind it. */
export interface ReviewsPort {
  /** Changes nothing. */
  plan(order: ReviewOrder): Promise<ReviewPlan>
  /** Stores the change and opens the thread: both synced to disk when it resolves. */
  open(order: ReviewOrder): Promise<ReviewOpening>
  /** `readReview`, by the members' roles; undefined for a thread that is no review. */
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
/** No call of the review could ever be held. */
export type CapTooSmall = { readonly status: 'cap-too-small'; readonly least: LeastCap }
export type ReviewPlan =
  | {
      readonly status: 'ready'
      readonly terms: ReviewTerms
      /** All calls at their bounds; neither a cap nor a limit is in it. */
      readonly highest: NanoUsd
      /** The limit of the day of the whole mesh. */
      readonly day: NanoUsd
      readonly least: LeastCap
    }
  | RolesMissing
  | CapTooSmall
type ReviewOpening =
  | { readonly status: 'opened'; readonly terms: ReviewTerms; readonly appended: Appended }
  | RolesMissing
  | CapTooSmall

/** Invitations of this node; the token is in the answer of `create` alone. */
type InvitesPort = Pick<Invites, 'create' | 'list' | 'stateOf' | 'revoke'>

/** What the owner's key signs; `leave` ends this node once its answer is sent. */
type ManifestPort = ManifestChanges & { leave(): Promise<Left> }

/** Turns of this node's agents, as they happen. */
interface TurnsPort {
  /** Those that rest for want of money, oldest first. */
  paused(): readonly PausedTurn[]
  subscribe(listener: (event: TurnNews) => void): () => void
}

export interface PausedTurn extends TurnNews {
  readonly sinceMs: number
}

/** Rights of other nodes. */
interface RightsPort {
  /** Nodes that were asked in this run, newest last. */
  whoWasAsked(): readonly {
    readonly peer: PeerId
    readonly atMs: number
    readonly periods: readonly Period[]
    readonly answer: string
    readonly reason: string | null
  }[]
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
