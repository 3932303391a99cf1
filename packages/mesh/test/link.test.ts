import { cardTopic, encodeFrame, envelopeTopic, MAX_FRAME_BYTES, meshIdBytes } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { allOnline, factsOf, identityOf, MESH, Network, stateOf, type TestNode, threadNamed, until } from './network.ts'
import { openRogue } from './rogue.ts'

let network: Network
let ada: TestNode
beforeEach(async () => {
  network = new Network()
  network.enlist('ada')
  network.enlist('mallory')
  ada = await network.node('ada', { secret: null, timings: { helloMs: 700, graceMs: 60_000, redialFirstMs: 60_000 } })
})
afterEach(() => network.close())

const MALLORY = identityOf('mallory')

describe('a member with bad manners', () => {
  it.each([
    ['garbage', Buffer.from('this is no CBOR')],
    ['a frame of no known kind', Buffer.from('a1617463786978', 'hex')],
    ['a second hello', 'hello' as const],
  ])('that sends %s loses its link, and is counted', async (_what, bytes) => {
    const rogue = await openRogue(MALLORY, MESH)
    const stream = await rogue.stream(ada)
    await stream.say(rogue.hello)
    await until(() => stateOf(ada, MALLORY.signer.peer) === 'online')
    await stream.sayBytes(bytes === 'hello' ? encodeFrame(rogue.hello) : bytes)
    await stream.ended
    await until(() => stateOf(ada, MALLORY.signer.peer) === 'offline')
    expect(factsOf(ada, 'frame-refused').map(({ peer }) => peer)).toEqual([MALLORY.signer.peer])
    await rogue.close()
  })

  it('that announces a frame beyond the bound loses its link before it is read', async () => {
    const rogue = await openRogue(MALLORY, MESH)
    const stream = await rogue.stream(ada)
    await stream.say(rogue.hello)
    await until(() => stateOf(ada, MALLORY.signer.peer) === 'online')
    stream.sendRaw(varint(MAX_FRAME_BYTES + 1))
    await stream.ended
    await until(() => factsOf(ada, 'frame-refused').length === 1)
    expect(factsOf(ada, 'frame-refused')[0]?.code).toBe('TOO_LARGE')
    await rogue.close()
  })

  it('that behaves again is taken back', async () => {
    const rogue = await openRogue(MALLORY, MESH)
    const stream = await rogue.stream(ada)
    await stream.say(rogue.hello)
    await stream.sayBytes(Buffer.from('garbage'))
    await stream.ended
    await rogue.close()
    const reformed = await network.node('mallory', { secret: null })
    await until(() => allOnline([ada, reformed]))
  })

  it('that never says hello is hung up on', async () => {
    const rogue = await openRogue(MALLORY, MESH)
    const silent = await rogue.stream(ada)
    await silent.ended
    expect(factsOf(ada, 'hello-refused').map(({ code }) => code)).toEqual(['NO_HELLO'])
    expect(stateOf(ada, MALLORY.signer.peer)).not.toBe('online')
    await rogue.close()
  })

  it('that says hello for another mesh does not count', async () => {
    const rogue = await openRogue(MALLORY, MESH)
    const stream = await rogue.stream(ada)
    await stream.say({ ...rogue.hello, mesh: Uint8Array.from(meshIdBytes(MESH)).reverse() })
    await stream.ended
    expect(factsOf(ada, 'hello-refused').map(({ code }) => code)).toEqual(['WRONG_MESH'])
    await rogue.close()
  })

  it("that shows another's card does not count", async () => {
    const rogue = await openRogue(MALLORY, MESH)
    network.enlist('bob')
    const bob = await openRogue(identityOf('bob'), MESH)
    const stream = await rogue.stream(ada)
    await stream.say(bob.hello)
    await stream.ended
    expect(factsOf(ada, 'hello-refused').map(({ code }) => code)).toEqual(['BAD_SHAPE'])
    await Promise.all([rogue.close(), bob.close()])
  })

  it('that gossips garbage is refused and not relayed; a forged envelope is refused by the threads', async () => {
    const rogue = await openRogue(MALLORY, MESH)
    const stream = await rogue.stream(ada)
    await stream.say(rogue.hello)
    const { pubsub } = rogue.host.services
    await until(() => pubsub.getSubscribers(envelopeTopic(MESH)).length === 1)
    await pubsub.publish(envelopeTopic(MESH), Buffer.from('garbage'))
    await pubsub.publish(cardTopic(MESH), Buffer.from('no card'))
    await until(() => factsOf(ada, 'gossip-refused').some(({ code }) => code === 'NOT_CANONICAL'))
    await until(() => factsOf(ada, 'card-refused').length === 1)

    const forged = Uint8Array.from(ada.threads.write(threadNamed('forged')))
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    await stream.say({ t: 'envelopes', envelopes: [forged] })
    await until(() => factsOf(ada, 'envelope-refused').length === 1)
    expect(factsOf(ada, 'envelope-refused')[0]).toMatchObject({ peer: MALLORY.signer.peer, way: 'direct' })
    await rogue.close()
  })
})

function varint(value: number): Uint8Array {
  return Uint8Array.of((value & 0x7f) | 0x80, ((value >> 7) & 0x7f) | 0x80, (value >> 14) & 0x7f)
}
