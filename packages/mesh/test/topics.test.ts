import { setImmediate } from 'node:timers/promises'
import { encodeBatch, envelopeTopic } from '@bzzz/protocols'
import { type GossipSub, type TopicValidatorFn, TopicValidatorResult } from '@libp2p/gossipsub'
import { expect, test } from 'vitest'
import { joinTopics } from '../src/gossip/topics.ts'
import { identityOf, MESH } from './network.ts'

const neighbour = { toString: () => identityOf('bob').signer.peer } as unknown as Parameters<TopicValidatorFn>[0]

function joined() {
  const topicValidators = new Map<string, TopicValidatorFn>()
  const taken: Uint8Array[] = []
  const closing = new AbortController()
  joinTopics({
    mesh: MESH,
    pubsub: { topicValidators, subscribe: () => {} } as unknown as GossipSub,
    isMember: () => true,
    onEnvelopes: (_from, envelopes) => taken.push(...envelopes),
    onCard: () => true,
    closing: closing.signal,
    observe: () => {},
  })
  const data = encodeBatch([Buffer.from('an envelope')])
  const hear = async () =>
    topicValidators.get(envelopeTopic(MESH))?.(neighbour, { type: 'unsigned', topic: envelopeTopic(MESH), data })
  return { hear, taken, closing }
}

test('a batch is taken at once, and relayed a moment later, when who has it has said so', async () => {
  const { hear, taken } = joined()
  let relayed: TopicValidatorResult | undefined
  const heard = hear().then((result) => (relayed = result))
  expect(taken.map((one) => Buffer.from(one).toString())).toEqual(['an envelope'])
  await setImmediate()
  expect(relayed).toBeUndefined()
  await heard
  expect(relayed).toBe(TopicValidatorResult.Accept)
})

test('a node that closes relays nothing more', async () => {
  const { hear, closing } = joined()
  const heard = hear()
  closing.abort()
  expect(await heard).toBe(TopicValidatorResult.Ignore)
})
