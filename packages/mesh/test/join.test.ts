import {
  cardTopic,
  encodeBatch,
  envelopeTopic,
  type Invite,
  type JoinAnswer,
  type JoinRequest,
  joinProtocol,
  type PeerId,
  repairProtocol,
  sealJoinRequest,
} from '@bzzz/protocols'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askToJoin } from '../src/index.ts'
import { recordsProtocol } from '../src/records/rules.ts'
import { allOnline, factsOf, identityOf, MESH, Network, type NodeOptions, type TestNode, until } from './network.ts'
import { openRogue } from './rogue.ts'

const INVITED = identityOf('an invitation')
const LAPTOP = identityOf('a laptop')
const JOINED: JoinAnswer = { t: 'joined', first: Uint8Array.of(1), newest: Uint8Array.of(2) }

let network: Network
let asked: { invite: PeerId; request: JoinRequest }[]
let joins: NonNullable<NodeOptions['joins']>
beforeEach(() => {
  network = new Network()
  asked = []
  joins = {
    knows: (peer) => peer === INVITED.signer.peer,
    join: async (invite, request) => {
      asked.push({ invite, request })
      return JOINED
    },
  }
})
afterEach(() => network.close())

function inviteOf(node: TestNode, more: Partial<Invite> = {}): Invite {
  return {
    ...{ mesh: MESH, network: 'tests', secret: Buffer.alloc(32, 7), peer: node.peer, role: 'laptop' },
    ...{ addrs: [`/ip4/127.0.0.1/tcp/${node.port}`], seed: INVITED.seed, expiresMs: Date.now() + 60_000 },
    ...more,
  }
}

const ASKED = { role: 'laptop', label: 'ana', incarnation: null, addrs: [] } as const
const request = sealJoinRequest({ invite: INVITED.signer.peer, ...ASKED }, MESH, LAPTOP.signer)
const ask = (invite: Invite) => askToJoin({ invite, request, signal: AbortSignal.timeout(20_000) })

describe('whoever has an invitation', () => {
  it('is answered what its keeper says, and the connection is over', async () => {
    const [ada] = (await network.nodes(['ada'], { joins })) as [TestNode]
    expect(await ask(inviteOf(ada))).toEqual({ status: 'answered', answer: JOINED })
    expect(asked).toEqual([{ invite: INVITED.signer.peer, request: { peer: LAPTOP.signer.peer, ...ASKED } }])
    expect(factsOf(ada, 'join-answered')).toEqual([
      { type: 'join-answered', invite: INVITED.signer.peer, peer: LAPTOP.signer.peer, code: null },
    ])
    expect(factsOf(ada, 'stranger-refused')).toEqual([])
  })

  it('hears that the node cannot, when its keeper fails', async () => {
    const failing = { ...joins, join: () => Promise.reject(new Error('no room on the disk')) }
    const [ada] = (await network.nodes(['ada'], { joins: failing })) as [TestNode]
    expect(await ask(inviteOf(ada))).toMatchObject({ status: 'answered', answer: { t: 'refused', code: 'UNABLE' } })
    expect(factsOf(ada, 'join-failed')).toHaveLength(1)
  })

  it('that nobody knows is turned away like any stranger, and told apart from a node that is off', async () => {
    const [ada] = (await network.nodes(['ada'], { joins: { ...joins, knows: () => false } })) as [TestNode]
    expect(await ask(inviteOf(ada))).toMatchObject({ status: 'unreached', known: false })
    expect(factsOf(ada, 'stranger-refused').map(({ peer }) => peer)).toEqual([INVITED.signer.peer])
    const nowhere = await ask(inviteOf(ada, { addrs: ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'] }))
    expect(nowhere).toMatchObject({ status: 'unreached', known: true })
    expect(nowhere).toHaveProperty('reason', expect.stringMatching(/tcp\/1: nobody listens there; .*tcp\/2: nobody/))
  })

  it('finds the node behind an address where nobody answers', async () => {
    const [ada] = (await network.nodes(['ada'], { joins })) as [TestNode]
    const addrs = ['/ip4/127.0.0.1/tcp/1', `/ip4/127.0.0.1/tcp/${ada.port}`]
    expect(await ask(inviteOf(ada, { addrs }))).toMatchObject({ status: 'answered' })
  })

  it('gets no link, no record and no gossip by it', async () => {
    const nodes = await network.nodes(['ada', 'bob'], { joins, secret: null })
    const [ada] = nodes as [TestNode, TestNode]
    await until(() => allOnline(nodes))
    const rogue = await openRogue(INVITED, MESH)
    try {
      const overheard: string[] = []
      const { pubsub } = rogue.host.services
      pubsub.addEventListener('message', ({ detail }) => void overheard.push(detail.topic))
      for (const topic of [envelopeTopic(MESH), cardTopic(MESH)]) pubsub.subscribe(topic)
      const connection = await rogue.host.dial(multiaddr(ada.mesh.addrs()[0] ?? ''))
      // identify has run: each side knows what the other speaks
      await until(() => rogue.host.getProtocols().length > 0)
      for (const protocol of [repairProtocol(MESH), recordsProtocol(MESH), '/meshsub/1.1.0']) {
        const stream = await connection.newStream(protocol)
        await new Promise<void>((resolve) => {
          if (stream.status !== 'open') resolve()
          stream.addEventListener('close', () => resolve(), { once: true })
        })
      }
      await pubsub.publish(envelopeTopic(MESH), encodeBatch([Uint8Array.of(1)]))
      // two cards of each node went round meanwhile
      const cards = () => factsOf(ada, 'peer-online').length > 0 && ada.mesh.cards().length === 2
      const seen = ada.mesh.cards().map(({ card }) => card.seq)
      await until(() => cards() && ada.mesh.cards().every(({ card }, i) => card.seq > (seen[i] ?? 0) + 400))
      expect(overheard).toEqual([])
      expect(factsOf(ada, 'gossip-refused')).toEqual([])
      expect(factsOf(ada, 'hello-refused')).toEqual([])
      expect(ada.mesh.peers().map(({ state }) => state)).toEqual(['online'])
    } finally {
      await rogue.close()
    }
  })

  it('cannot linger: its connection ends when its time is over', async () => {
    const [ada] = (await network.nodes(['ada'], { joins, secret: null, timings: { helloMs: 300 } })) as [TestNode]
    const rogue = await openRogue(INVITED, MESH)
    try {
      const connection = await rogue.host.dial(multiaddr(ada.mesh.addrs()[0] ?? ''))
      await connection.newStream(joinProtocol(MESH))
      await until(() => connection.status !== 'open')
      await until(() => factsOf(ada, 'join-refused').length > 0)
      expect(asked).toEqual([])
    } finally {
      await rogue.close()
    }
  })
})
