import {
  type CallId,
  type MeshId,
  openTokens,
  type PeerId,
  ProtocolError,
  type Signer,
  sealTokens,
  type ThreadId,
  type TokensFrame,
  tokensIds,
  tokenTopic,
} from '@bzzz/protocols'
import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Observe } from '../facts.ts'
import { peerOf } from '../host/host.ts'
import { type Allowance, createAllowance } from './allowance.ts'

export interface TokensOptions {
  readonly mesh: MeshId
  readonly signer: Signer
  readonly pubsub: GossipSub
  /** Of the thread's project; zeros while that is not known. */
  readonly tagOf: (thread: ThreadId) => Uint8Array
  readonly isMember: (peer: string) => boolean
  readonly observe: Observe
}

// 32 agents with 3 calls each make 384 frames a second: more is no honest node's.
const MAX_SIGNED_PER_SECOND = 400
// Each costs a check of its signature, a tenth of a millisecond, before anything else is known of it.
const MAX_HANDED_PER_SECOND = 1_000
/** Calls whose last frame is remembered, the newest. */
const MAX_CALLS = 1_024

interface Follower {
  readonly thread: ThreadId
  readonly tell: (frame: TokensFrame) => void
  topic: string
}

/**
 * Text of running model calls, between those who make them and those who watch. A project's topic is joined while somebody
 * watches one of its threads here; where nobody in the mesh does, nothing is signed or sent. Nothing is queued: whoever is not
 * there misses it.
 */
export class Tokens {
  readonly #options: TokensOptions
  readonly #followers = new Set<Follower>()
  /** Where the text that was seen of each call ends. */
  readonly #ends = new Map<CallId, number>()
  readonly #handed: Allowance = createAllowance(MAX_HANDED_PER_SECOND)
  readonly #signed: Allowance = createAllowance(MAX_SIGNED_PER_SECOND)
  #closed = false

  constructor(options: TokensOptions) {
    this.#options = options
  }

  /** Of an own agent's call: to who watches here, and in the mesh. */
  tell(frame: TokensFrame): void {
    if (this.#closed) return
    this.#hand(frame)
    const { mesh, signer, pubsub } = this.#options
    const topic = this.#topicOf(frame.thread)
    if (pubsub.getSubscribers(topic).length > 0) void this.#publish(topic, sealTokens(frame, mesh, signer))
  }

  /** @returns how to stop */
  follow(thread: ThreadId, tell: (frame: TokensFrame) => void): () => void {
    if (this.#closed) return () => undefined
    const follower = { thread, tell, topic: this.#topicOf(thread) }
    this.#join(follower)
    return () => this.#leave(follower)
  }

  /** The thread's project may have become known: whoever follows it listens there from now on. */
  retune(thread: ThreadId): void {
    for (const follower of [...this.#followers]) {
      const topic = follower.thread === thread ? this.#topicOf(thread) : follower.topic
      if (topic === follower.topic) continue
      this.#leave(follower)
      follower.topic = topic
      this.#join(follower)
    }
  }

  /** Before the host: whoever stops watching later has nothing left to leave. */
  close(): void {
    this.#closed = true
    this.#followers.clear()
  }

  #topicOf(thread: ThreadId): string {
    return tokenTopic(this.#options.mesh, this.#options.tagOf(thread))
  }

  #isFollowed(topic: string): boolean {
    return [...this.#followers].some((follower) => follower.topic === topic)
  }

  #join(follower: Follower): void {
    const { pubsub } = this.#options
    const { topic } = follower
    if (!this.#isFollowed(topic)) {
      pubsub.topicValidators.set(topic, (neighbour, { data }) => this.#judge(topic, peerOf(neighbour), data))
      pubsub.subscribe(topic)
    }
    this.#followers.add(follower)
  }

  #leave(follower: Follower): void {
    if (!this.#followers.delete(follower)) return
    if (!this.#isFollowed(follower.topic)) this.#options.pubsub.unsubscribe(follower.topic)
    if (this.#followers.size === 0) this.#ends.clear()
  }

  async #publish(topic: string, data: Uint8Array): Promise<void> {
    try {
      const { recipients } = await this.#options.pubsub.publish(topic, data)
      this.#options.observe({ type: 'tokens-published', recipients: recipients.length, bytes: data.length })
    } catch (error) {
      this.#options.observe({ type: 'tokens-failed', error })
    }
  }

  #judge(topic: string, from: PeerId, data: Uint8Array): TopicValidatorResult {
    try {
      return this.#take(topic, from, data) ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#options.observe({ type: 'tokens-refused', peer: from, code: error.code, reason: error.message })
      return TopicValidatorResult.Reject
    }
  }

  /** @returns whether it is to be relayed. @throws {ProtocolError} */
  #take(topic: string, from: PeerId, data: Uint8Array): boolean {
    const { isMember, mesh, signer } = this.#options
    if (!this.#isFollowed(topic)) return false
    if (!isMember(from)) throw new ProtocolError('NOT_A_MEMBER', 'handed over by one who is no member')
    if (!this.#handed.takes(from)) return this.#drop(from)
    const frame = openTokens(data, mesh)
    const { peer, call } = tokensIds(frame)
    if (peer === signer.peer) return false
    if (!isMember(peer)) throw new ProtocolError('NOT_A_MEMBER', `tokens of ${peer}, no member`)
    if (!this.#signed.takes(peer)) return this.#drop(peer)
    if (!this.#isNews(call, frame)) return false
    this.#hand(frame)
    return true
  }

  #drop(peer: PeerId): false {
    this.#options.observe({ type: 'tokens-dropped', peer })
    return false
  }

  /** What was there before, replayed or late, would show a call's text going backwards. */
  #isNews(call: CallId, { offset, text }: TokensFrame): boolean {
    if (offset < (this.#ends.get(call) ?? 0)) return false
    this.#ends.delete(call)
    this.#ends.set(call, offset + text.length)
    const [oldest] = this.#ends.keys()
    if (this.#ends.size > MAX_CALLS && oldest !== undefined) this.#ends.delete(oldest)
    return true
  }

  #hand(frame: TokensFrame): void {
    for (const { thread, tell } of this.#followers) if (thread === frame.thread) tell(frame)
  }
}
