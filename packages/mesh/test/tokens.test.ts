import {
  agentIdOf,
  NO_PROJECT,
  type PeerId,
  sealTokens,
  type ThreadId,
  type TokensFrame,
  tokenTopic,
} from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createAllowance } from '../src/tokens/allowance.ts'
import { allOnline, factsOf, identityOf, MESH, Network, type TestNode, threadNamed, until } from './network.ts'
import { openRogue, type Rogue } from './rogue.ts'

const thread = threadNamed('live')

function frameOf(peer: PeerId, offset: number, text: string, more: Partial<TokensFrame> = {}): TokensFrame {
  const agent = agentIdOf('reviewer', peer)
  return { v: 1, thread, agent, phase: 'findings', round: 1, step: 0, attempt: 0, offset, text, ...more }
}

/** Collects what a node hears. */
function follow(node: TestNode) {
  const heard: TokensFrame[] = []
  return { heard, stop: node.mesh.followTokens(thread, (frame) => heard.push(frame)) }
}

let network: Network
beforeEach(() => {
  network = new Network()
})
afterEach(() => network.close())

/** Tells until the topic has spread: what was told before is lost, as it should be. */
async function tellUntil(node: TestNode, told: () => boolean): Promise<number> {
  let offset = 0
  await vi.waitFor(
    () => {
      node.mesh.tellTokens(frameOf(node.peer, offset, 'again '))
      offset += 6
      if (!told()) throw new Error('not heard yet')
    },
    { timeout: 20_000, interval: 50 },
  )
  return offset
}

describe('text of a running call', () => {
  it('reaches who watches, on every node, in order, and its own node too', async () => {
    const nodes = (await network.nodes(['ada', 'bob', 'cyd'])) as [TestNode, TestNode, TestNode]
    await until(() => allOnline(nodes))
    const [ada, bob, cyd] = nodes
    const watching = [ada, bob, cyd].map(follow)
    const begin = await tellUntil(ada, () => watching.every(({ heard }) => heard.length > 0))
    for (let n = 0; n < 20; n++) ada.mesh.tellTokens(frameOf(ada.peer, begin + n, 'x'))
    const end = begin + 20
    await until(() => watching.every(({ heard }) => heard.at(-1)?.offset === end - 1))
    for (const { heard } of watching) {
      const offsets = heard.map(({ offset }) => offset)
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
      expect(heard.slice(-20).map(({ text }) => text)).toEqual(Array(20).fill('x'))
    }
    expect(factsOf(bob, 'tokens-refused')).toEqual([])
  })

  it('is neither signed nor sent while nobody watches elsewhere', async () => {
    const nodes = (await network.nodes(['ada', 'bob'])) as [TestNode, TestNode]
    await until(() => allOnline(nodes))
    const [ada, bob] = nodes
    const own = follow(ada)
    ada.mesh.tellTokens(frameOf(ada.peer, 0, 'alone'))
    expect(own.heard.map(({ text }) => text)).toEqual(['alone'])
    expect(factsOf(ada, 'tokens-published')).toEqual([])

    const { heard, stop } = follow(bob)
    await tellUntil(ada, () => heard.length > 0)
    stop()
    await vi.waitFor(
      () => {
        const before = factsOf(ada, 'tokens-published').length
        ada.mesh.tellTokens(frameOf(ada.peer, 0, 'over', { attempt: 1 }))
        expect(factsOf(ada, 'tokens-published').length).toBe(before)
      },
      { timeout: 20_000, interval: 50 },
    )
    const count = heard.length
    ada.mesh.tellTokens(frameOf(ada.peer, 4, 'over', { attempt: 1 }))
    expect(heard.length).toBe(count)
  })

  it('of another project goes by who watches a thread of one, and comes once its own project is known', async () => {
    const bank = threadNamed('of the bank')
    const projects = new Map([[bank, 'bank']])
    const projectOf = (of: ThreadId) => projects.get(of) ?? ''
    for (const name of ['ada', 'bob']) network.enlist(name)
    const ada = await network.node('ada', { projectOf })
    const bob = await network.node('bob', { projectOf })
    await until(() => allOnline([ada, bob]))
    ada.mesh.publish(ada.threads.write(thread, 100), { thread, opening: true })
    ada.mesh.publish(ada.threads.write(bank, 300), { thread: bank, opening: true })
    await until(() => bob.threads.count(bank) > 0 && bob.threads.count(thread) > 0)

    const { heard } = follow(bob)
    await tellUntil(ada, () => heard.length > 0)
    const published = () => factsOf(ada, 'tokens-published').length
    const before = published()
    ada.mesh.tellTokens(frameOf(ada.peer, 0, 'of no concern', { thread: bank }))
    expect(published()).toBe(before)

    projects.set(thread, 'shop')
    const all = heard.length
    // with it bob learns the project
    ada.mesh.publish(ada.threads.write(thread, 200), { thread, opening: true })
    await tellUntil(ada, () => heard.length > all)
    expect(heard.every((frame) => frame.thread === thread)).toBe(true)
  })

  it('is told to nobody once the mesh is closed', async () => {
    const [ada] = (await network.nodes(['ada'])) as [TestNode]
    const { heard, stop } = follow(ada)
    await ada.mesh.close()
    ada.mesh.tellTokens(frameOf(ada.peer, 0, 'late'))
    stop()
    ada.mesh.followTokens(thread, () => undefined)()
    expect(heard).toEqual([])
  })
})

describe('frames that somebody made up', () => {
  const mallory = identityOf('mallory')
  let ada: TestNode
  let rogue: Rogue
  let heard: TokensFrame[]

  beforeEach(async () => {
    network.enlist('mallory')
    network.enlist('bob')
    ada = await network.node('ada', { secret: null })
    heard = follow(ada).heard
    rogue = await openRogue(mallory, MESH)
    const { say } = await rogue.stream(ada)
    await say(rogue.hello)
    const { pubsub } = rogue.host.services
    await until(() => pubsub.getSubscribers(tokenTopic(MESH, NO_PROJECT)).length > 0)
  })
  afterEach(() => rogue.close())

  const send = (data: Uint8Array) => rogue.host.services.pubsub.publish(tokenTopic(MESH, NO_PROJECT), data)
  const seal = (frame: TokensFrame, signer = mallory.signer) => sealTokens(frame, MESH, signer)
  const bob = identityOf('bob').signer
  const mine = mallory.signer.peer

  it.each<[string, string, () => Uint8Array]>([
    ["in another node's name", 'BAD_SIGNATURE', () => seal(frameOf(bob.peer, 0, 'I approve'))],
    [
      'of one who is no member',
      'NOT_A_MEMBER',
      () => seal(frameOf(identityOf('eve').signer.peer, 0, 'hi'), identityOf('eve').signer),
    ],
    ['above their bound', 'TOO_LARGE', () => new Uint8Array(9_000)],
    ['with too much text', 'BAD_SHAPE', () => seal(frameOf(mine, 0, 'x'.repeat(2_001)))],
    ['that are noise', 'NOT_CANONICAL', () => Uint8Array.of(0xff, 0x00)],
  ])('%s are refused and counted, and nobody is shown them', async (_, code, frame) => {
    await send(frame())
    await until(() => factsOf(ada, 'tokens-refused').length > 0)
    expect(factsOf(ada, 'tokens-refused')).toMatchObject([{ peer: mine, code }])
    expect(heard).toEqual([])
  })

  it('are passed over when their text was there before', async () => {
    for (const [offset, text] of [
      [0, 'one'],
      [3, 'two'],
      [0, 'ONE'],
      [2, '!'],
      [6, 'end'],
    ] as const)
      await send(seal(frameOf(mine, offset, text)))
    await until(() => heard.at(-1)?.text === 'end')
    expect(heard.map(({ text }) => text)).toEqual(['one', 'two', 'end'])
  })

  it('in a flood are dropped beyond what one node may sign, and counted', async () => {
    let n = 0
    while (factsOf(ada, 'tokens-dropped').length === 0) {
      await Promise.all(Array.from({ length: 1_200 }, () => send(seal(frameOf(mine, n++, 'x')))))
      await until(() => heard.length + factsOf(ada, 'tokens-dropped').length === n)
    }
    expect(ada.mesh.peers().find(({ peer }) => peer === mine)?.state).toBe('online')
  })
})

it('an allowance is of one peer and of one second', () => {
  let now = 0
  const allowance = createAllowance(2, () => now)
  const [ada, bob] = ['ada', 'bob'] as unknown as [PeerId, PeerId]
  expect([ada, ada, ada, bob].map((peer) => allowance.takes(peer))).toEqual([true, true, false, true])
  now = 999
  expect(allowance.takes(ada)).toBe(false)
  now = 1_000
  expect(allowance.takes(ada)).toBe(true)
})
