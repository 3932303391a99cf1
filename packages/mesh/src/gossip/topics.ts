import { setTimeout } from 'node:timers/promises'
import {
  cardTopic,
  decodeBatch,
  envelopeTopic,
  type MeshId,
  type PeerId,
  ProtocolError,
  projectTopic,
} from '@bzzz/protocols'
import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Observe } from '../facts.ts'
import { peerOf } from '../host/host.ts'

export interface TopicsOptions {
  readonly mesh: MeshId
  readonly pubsub: GossipSub
  readonly isMember: (peer: string) => boolean
  readonly onEnvelopes: (from: PeerId, envelopes: Uint8Array[]) => void
  /** @returns whether it was news. @throws {ProtocolError} */
  readonly onCard: (card: Uint8Array) => boolean
  readonly closing: AbortSignal
  readonly observe: Observe
}

type Taken = TopicValidatorResult | Promise<TopicValidatorResult>

// Who has a message says so at once (IDONTWANT). Its author hands it to every neighbour of his, so within this time nearly
// all of ours have it, and a relay is left for those whom its author does not reach.
const RELAY_AFTER_MS = 25

export interface Topics {
  /** Subscribes to the envelopes of a project. */
  joinProject(tag: Uint8Array): void
  /** @param tag null: to every member @returns the neighbours it was handed to */
  sendBatch(tag: Uint8Array | null, batch: Uint8Array): Promise<ReadonlySet<string>>
  sendCard(card: Uint8Array): Promise<ReadonlySet<string>>
}

/**
 * Joins the topics of openings and of cards, and those of projects one by one. The validators are the way in: gossipsub
 * calls them once per content, before it delivers or relays, so what they refuse goes no further. They only look at the
 * outside of envelopes, since a slow validator holds up all gossip.
 */
export function joinTopics(options: TopicsOptions): Topics {
  const { mesh, pubsub, observe } = options

  function join(
    topic: string,
    refusal: 'gossip-refused' | 'card-refused',
    take: (from: PeerId, data: Uint8Array) => Taken,
  ): void {
    pubsub.topicValidators.set(topic, (neighbour, { data }) => {
      const from = peerOf(neighbour)
      try {
        if (!options.isMember(from)) throw new ProtocolError('NOT_A_MEMBER', 'handed over by one who is no member')
        return take(from, data)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        observe({ type: refusal, peer: from, code: error.code, reason: error.message })
        return TopicValidatorResult.Reject
      }
    })
    pubsub.subscribe(topic)
  }

  async function send(topic: string, data: Uint8Array): Promise<ReadonlySet<string>> {
    const { recipients } = await pubsub.publish(topic, data)
    return new Set(recipients.map(String))
  }

  function takeBatch(from: PeerId, data: Uint8Array): Taken {
    options.onEnvelopes(from, decodeBatch(data))
    return relayLater()
  }

  async function relayLater(): Promise<TopicValidatorResult> {
    const waited = setTimeout(RELAY_AFTER_MS, TopicValidatorResult.Accept, { signal: options.closing, ref: false })
    return waited.catch(() => TopicValidatorResult.Ignore) // closing: there is nobody left to relay to
  }

  function takeCard(_from: PeerId, data: Uint8Array): Taken {
    return options.onCard(data) ? TopicValidatorResult.Accept : TopicValidatorResult.Ignore
  }

  join(envelopeTopic(mesh), 'gossip-refused', takeBatch)
  join(cardTopic(mesh), 'card-refused', takeCard)
  return {
    joinProject: (tag) => join(projectTopic(mesh, tag), 'gossip-refused', takeBatch),
    sendBatch: (tag, batch) => send(tag === null ? envelopeTopic(mesh) : projectTopic(mesh, tag), batch),
    sendCard: (card) => send(cardTopic(mesh), card),
  }
}
