import type {
  BudgetThing,
  GrantAnswer,
  GrantRequest,
  MeshId,
  NodeCard,
  PeerId,
  SeqVector,
  Signer,
  ThreadId,
  TokensFrame,
} from '@bzzz/protocols'
import type { BudgetPort } from './budget/port.ts'
import type { MeshFact } from './facts.ts'
import type { Publication } from './gossip/outbox.ts'
import type { JoinsPort } from './join/port.ts'
import type { ManifestPort } from './manifest/exchange.ts'
import type { MeshMember } from './members.ts'
import type { Follows } from './projects/interest.ts'
import type { ThreadsPort } from './threads-port.ts'
import type { MeshTimings } from './timings.ts'

export interface MeshOptions {
  readonly mesh: MeshId
  /** The mesh's name for people; other nodes see it in this node's user agent. */
  readonly network: string
  /** Ed25519 seed, 32 bytes. The node's key is its libp2p identity. */
  readonly privateKey: Uint8Array
  readonly signer: Signer
  /** 32 bytes that every member shares, or null for a mesh that relies on keys and membership alone. */
  readonly secret: Uint8Array | null
  /** Multiaddrs to listen on, TCP. */
  readonly listen: readonly string[]
  /** For libp2p's datastore. May be deleted between runs. */
  readonly cacheDirectory: string
  /** Asked again and again: who is taken off it is cut off within a second. */
  readonly members: () => readonly MeshMember[]
  /** Whose versions are handed on and taken; without it members come and go by `members` alone. */
  readonly manifest?: ManifestPort
  /** Told each genuine slot that came by the DHT, also an older one or one that contradicts another; to be quick about it. */
  readonly onSlot?: (slot: Uint8Array) => void
  /** Who may ask to become a member; nobody when it is left out. */
  readonly joins?: JoinsPort
  readonly threads: ThreadsPort
  /** Whose rights move; without it this node neither asks nor gives. */
  readonly budget?: BudgetPort
  /** What is kept up with; everything when it is left out. Openings come for all threads. */
  readonly follows?: Follows
  /** This node's card as of now. Mesh sets `wallMs`, a growing `seq`, and `addrs` where it is empty. */
  readonly card: () => NodeCard
  /** Wall clock, milliseconds. Latencies are measured on the monotonic clock. */
  readonly now: () => number
  readonly timings?: Partial<MeshTimings>
  readonly observe?: (fact: MeshFact) => void
}

export interface Mesh {
  readonly peer: PeerId
  /** Multiaddrs at which this node listens, with its peer id. */
  addrs(): readonly string[]
  /**
   * To every peer that follows the thread, an opening to every peer: over gossip in batches, over the direct streams what
   * is too large for it or did not get there.
   */
  publish(envelope: Uint8Array, about: Publication): void
  /** Keeps up with a thread from now on, whatever its project. */
  follow(thread: ThreadId): void
  /**
   * Asks the connected peers one after the other for what they have of a thread, all of its parts, and stores it. Resolves
   * once all have answered or failed, with how many were asked.
   * @throws the signal's reason
   */
  fetchThread(thread: ThreadId, options: { signal: AbortSignal }): Promise<number>
  /** Which other members are known to have what of one document, a thread's own or that of a later part. May lag by a round of repair; never says too much. */
  holders(thread: ThreadId): ReadonlyMap<PeerId, SeqVector>
  /** The card changed: tell the others soon. */
  announce(): void
  /** Every member but this node. */
  peers(): readonly PeerStatus[]
  /** The newest verified card of each member that sent one, and this node's own. */
  cards(): readonly KnownCard[]
  subscribe(listener: (event: MeshEvent) => void): () => void
  /**
   * From any connected peer, at most MAX_BLOB_BYTES, checked against its hash.
   * @param hash hexadecimal SHA-256
   * @returns undefined when no connected peer has it
   * @throws the signal's reason, or {MeshError} BAD_HASH or CLOSED
   */
  fetchBlob(hash: string, options: { signal: AbortSignal }): Promise<Uint8Array | undefined>
  /** @returns how many other nodes stored it. @throws {MeshError} RECORD_REFUSED or CLOSED, or the signal's reason */
  putRecord(key: Uint8Array, value: Uint8Array, options: { signal: AbortSignal }): Promise<number>
  /** The newest valid record that could be found in time. @throws {MeshError} CLOSED, or the signal's reason */
  getRecord(key: Uint8Array, options: { signal: AbortSignal }): Promise<Uint8Array | undefined>
  /**
   * Asks a connected node for rights. @returns undefined when it is not linked or does not answer in time
   * @throws the signal's reason, or {MeshError} CLOSED
   */
  askGrant(peer: PeerId, request: GrantRequest, options: { signal: AbortSignal }): Promise<GrantAnswer | undefined>
  /** To one node or all that are linked, in order and without a word of whether it came; who is not linked is greeted later. */
  tellBudget(thing: BudgetThing, to?: PeerId): void
  /** Text of an own agent's running call, to whoever watches here or on another node; where nobody does, it costs nothing. */
  tellTokens(frame: TokensFrame): void
  /**
   * Text of a thread's running calls on all nodes, this one's among them, in the order of each call and with gaps. Other nodes
   * send theirs while somebody follows a thread of that project here. @returns how to stop
   */
  followTokens(thread: ThreadId, listener: (frame: TokensFrame) => void): () => void
  /** Compares logs with every peer now instead of at the next interval. */
  sync(): void
  /** Hands out what waits, says goodbye, waits for envelopes in hand. Idempotent. */
  close(): Promise<void>
}

export interface PeerStatus {
  readonly peer: PeerId
  readonly label: string
  readonly role: MeshMember['role']
  /** `connecting` until the first attempt has ended. */
  readonly state: 'online' | 'offline' | 'connecting'
  /** Where it is looked for, in that order. */
  readonly addrs: readonly string[]
  /** Round trip of the last ping. */
  readonly latencyMs: number | null
  /** Wall clock of the last frame from it in this run. */
  readonly lastSeenMs: number | null
  /** Why it is not online, in words. */
  readonly reason: string | null
}

export interface KnownCard {
  readonly card: NodeCard
  /** Came within its lease, and the peer has not hung up since. */
  readonly live: boolean
  readonly receivedMs: number
}

export type MeshEvent = { type: 'peer'; status: PeerStatus } | { type: 'card'; card: NodeCard }
