import {
  cardTopic,
  decodeFrame,
  encodeFrame,
  envelopeTopic,
  type Frame,
  type PeerId,
  repairProtocol,
} from '@bzzz/protocols'
import type { Connection } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InHand } from '../src/in-hand.ts'
import { Formers } from '../src/manifest/formers.ts'
import { recordsProtocol } from '../src/records/rules.ts'
import { MemoryManifest } from './memory-manifest.ts'
import {
  allOnline,
  factsOf,
  identityOf,
  MESH,
  Network,
  type NodeOptions,
  stateOf,
  type TestNode,
  until,
} from './network.ts'
import { openRogue, type Rogue } from './rogue.ts'

const EVE = identityOf('eve')

let network: Network
/** As eve knows it, whose list of members is an old one. */
let before: Network
let rogue: Rogue | undefined
beforeEach(() => {
  network = new Network()
  before = new Network()
})
afterEach(async () => {
  await rogue?.close()
  rogue = undefined
  await before.close()
  await network.close()
})

/** Of version 2, in which eve is none of the members any more. */
async function member(name: string, options: NodeOptions = {}) {
  network.enlist(name)
  const manifest = new MemoryManifest(2)
  manifest.formers.add(EVE.signer.peer)
  const node = await network.node(name, { manifest, ...options })
  before.enlist(name, [...node.mesh.addrs()])
  return { manifest, node }
}

/** A node of version 1, which hears that it is removed by any later one. */
async function formerMember() {
  before.enlist('eve')
  const manifest = new MemoryManifest(1)
  manifest.subscribe(() => before.members.delete(EVE.signer.peer))
  const node = await before.node('eve', { manifest })
  return { manifest, node }
}

const dial = ({ host }: Rogue, { mesh }: TestNode): Promise<Connection> =>
  host.dial(multiaddr(mesh.addrs()[0] ?? ''), { signal: AbortSignal.timeout(5_000) })

const reasonAt = (node: TestNode, peer: PeerId) => node.mesh.peers().find((each) => each.peer === peer)?.reason

describe('a node that was removed while it was off', () => {
  it('hears of it from the first member that it reaches, and dials nobody after that', async () => {
    const ada = await member('ada')
    const eve = await formerMember()
    await until(() => eve.manifest.version === 2)
    await until(() => factsOf(ada.node, 'former-told').length > 0)
    expect(factsOf(ada.node, 'former-told')[0]).toEqual({ type: 'former-told', peer: eve.node.peer, version: 2 })
    expect(eve.manifest.received).toEqual([2])
    expect(stateOf(eve.node, ada.node.peer)).toBe('offline')
    expect(reasonAt(eve.node, ada.node.peer)).toBe('this node is no member any more, and looks for nobody')
    const told = Date.now()
    // bob, who comes now, would be dialled within half a second
    const bob = await member('bob')
    // until two cards more went round
    await until(() => ada.node.mesh.cards().some(({ card }) => card.peer === bob.node.peer && card.seq > told + 1_000))
    expect(factsOf(bob.node, 'former-told')).toEqual([])
    expect([ada, bob].flatMap(({ node }) => factsOf(node, 'stranger-refused'))).toEqual([])
  })

  it('is hung up on by a member whose manifest no owner signed, and believes nothing', async () => {
    const ada = await member('ada')
    ada.manifest.version = 101
    const eve = await formerMember()
    await until(() => factsOf(eve.node, 'hello-refused').length > 0)
    expect(factsOf(eve.node, 'hello-refused')[0]).toMatchObject({ peer: ada.node.peer, code: 'BAD_SIGNATURE' })
    expect(eve.manifest.version).toBe(1)
  })
})

describe('whoever has the key of a former member', () => {
  it('is handed the manifest and nothing else, and nothing is taken from it', async () => {
    const [ada, bob] = [await member('ada', { secret: null }), await member('bob', { secret: null })]
    await until(() => allOnline([ada.node, bob.node]))
    rogue = await openRogue(EVE, MESH)
    const overheard: string[] = []
    const { pubsub } = rogue.host.services
    pubsub.addEventListener('message', ({ detail }) => void overheard.push(detail.topic))
    for (const topic of [envelopeTopic(MESH), cardTopic(MESH)]) pubsub.subscribe(topic)
    const connection = await dial(rogue, ada.node)
    for (const protocol of [recordsProtocol(MESH), '/meshsub/1.1.0']) {
      const stream = await connection.newStream(protocol)
      await new Promise<void>((resolve) => {
        if (stream.status !== 'open') resolve()
        stream.addEventListener('close', () => resolve(), { once: true })
      })
    }
    const framed = lpStream(await connection.newStream(repairProtocol(MESH)))
    await framed.write(encodeFrame(rogue.hello))
    await framed.write(encodeFrame({ t: 'envelopes', envelopes: [Uint8Array.of(1)] }))
    const heard: Frame[] = []
    heard.push(decodeFrame((await framed.read()).subarray()))
    await connection.close()
    await until(() => factsOf(ada.node, 'former-told').length === 1)
    expect(heard).toEqual([{ t: 'manifest', manifest: Uint8Array.of(2) }])
    expect(overheard).toEqual([])
    const refused = ['hello-refused', 'frame-refused', 'envelope-refused', 'gossip-refused'] as const
    expect(refused.flatMap((type) => factsOf(ada.node, type))).toEqual([])
    expect(ada.node.mesh.cards().map(({ card }) => card.label)).not.toContain('rogue')
    expect(ada.node.mesh.peers().map(({ label }) => label)).toEqual(['bob'])
  })

  it('gets it once, however often it dials', async () => {
    const { node } = await member('ada', { secret: null })
    rogue = await openRogue(EVE, MESH)
    const { hello } = rogue
    for (let dialled = 0; dialled < 20; dialled++) {
      const connection = await dial(rogue, node).catch(() => undefined) // turned away while it opens
      const stream = await connection?.newStream(repairProtocol(MESH)).catch(() => undefined)
      const framed = stream && lpStream(stream)
      await framed?.write(encodeFrame(hello)).catch(() => undefined)
      await framed?.read().catch(() => undefined)
      await connection?.close()
    }
    await until(() => factsOf(node, 'stranger-refused').length === 19)
    expect(factsOf(node, 'former-told')).toHaveLength(1)
  })

  it('is told on one of the streams that it opens', async () => {
    const { node } = await member('ada', { secret: null })
    rogue = await openRogue(EVE, MESH)
    const connection = await dial(rogue, node)
    const open = async () => lpStream(await connection.newStream(repairProtocol(MESH)))
    const streams = await Promise.all([open(), open(), open()])
    const read = await Promise.allSettled(streams.map((framed) => framed.read()))
    expect(read.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected'])
    await connection.close()
  })

  it('cannot linger, whether it opens a stream or not', async () => {
    const [ada, bob] = [
      await member('ada', { secret: null, timings: { helloMs: 300 } }),
      await member('bob', { secret: null, timings: { helloMs: 300 } }),
    ]
    rogue = await openRogue(EVE, MESH)
    const [silent, open] = [await dial(rogue, ada.node), await dial(rogue, bob.node)]
    await open.newStream(repairProtocol(MESH))
    await until(() => silent.status !== 'open' && open.status !== 'open')
  })

  it('is cut off when it says more than a hello', async () => {
    const { node } = await member('ada', { secret: null })
    rogue = await openRogue(EVE, MESH)
    const connection = await dial(rogue, node)
    const stream = await connection.newStream(repairProtocol(MESH))
    stream.send(new Uint8Array(200 * 1024))
    await until(() => connection.status !== 'open')
  })
})

it('a stranger who never was a member gets nothing', async () => {
  const { node } = await member('ada', { secret: null })
  rogue = await openRogue(identityOf('a stranger'), MESH)
  const connection = await dial(rogue, node).catch(() => undefined)
  const stream = await connection?.newStream(repairProtocol(MESH)).catch(() => undefined)
  const heard =
    stream &&
    (await lpStream(stream)
      .read()
      .catch(() => undefined))
  expect(heard).toBeUndefined()
  await until(() => factsOf(node, 'stranger-refused').length === 1)
  expect(factsOf(node, 'former-told')).toEqual([])
})

it('each former member is let in once in its time, and no more than thirty-two in all', () => {
  let nowMs = 0
  const port = { newest: () => ({ version: 2, bytes: Uint8Array.of(2) }), wasMember: (peer: string) => peer !== 'zed' }
  const options = { port, formerMs: 1_000, helloMs: 1_000, inHand: new InHand(), observe: () => undefined }
  const formers = new Formers({ ...options, nowMs: () => nowMs })
  expect(['eve', 'eve', 'zed'].map((peer) => formers.letsIn(peer))).toEqual([true, false, false])
  const crowd = Array.from({ length: 99 }, (_, i) => formers.letsIn(`former-${i}`))
  expect(crowd.filter((isIn) => isIn)).toHaveLength(31)
  nowMs = 1_000
  expect(formers.letsIn('eve')).toBe(true)
})
