import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_TIMINGS, MeshError } from '../src/index.ts'
import { MemoryThreads } from './memory-threads.ts'
import { allOnline, factsOf, identityOf, MESH, Network, namesInOrder, stateOf, threadNamed, until } from './network.ts'

let network: Network
beforeEach(() => {
  network = new Network()
})
afterEach(() => network.close())

describe('a mesh of three', () => {
  it('connects, gossips envelopes and knows every card', async () => {
    const nodes = await network.nodes(['ada', 'bob', 'cyd'])
    await until(() => allOnline(nodes))
    const thread = threadNamed('gossip')
    for (const node of nodes) node.mesh.publish(node.threads.write(thread), { thread, opening: false })
    await until(() => nodes.every((node) => node.threads.count(thread) === 3))
    await until(() => nodes.every((node) => node.mesh.cards().filter((known) => known.live).length === 3))
    expect(
      nodes[0]?.mesh
        .cards()
        .map(({ card }) => card.label)
        .sort(),
    ).toEqual(['ada', 'bob', 'cyd'])
    expect(nodes.flatMap((node) => factsOf(node, 'envelope-refused'))).toEqual([])
  })

  it('publishes what comes in one go as one batch', async () => {
    const nodes = await network.nodes(['ada', 'bob'])
    await until(() => allOnline(nodes))
    const [ada, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const thread = threadNamed('batch')
    for (let i = 0; i < 50; i++) ada.mesh.publish(ada.threads.write(thread), { thread, opening: false })
    await until(() => bob.threads.count(thread) === 50)
    expect(factsOf(ada, 'batch-published').map(({ envelopes }) => envelopes)).toEqual([50])
  })

  it('hands an envelope that is too large for gossip to each peer directly', async () => {
    const nodes = await network.nodes(['ada', 'bob', 'cyd'], { timings: { repairMs: 60_000 } })
    await until(() => allOnline(nodes))
    const [ada, bob, cyd] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
    const thread = threadNamed('large')
    ada.mesh.publish(ada.threads.write(thread, 255 * 1024 + 900), { thread, opening: false })
    await until(() => bob.threads.count(thread) === 1 && cyd.threads.count(thread) === 1)
    expect(factsOf(bob, 'envelope-received').map(({ way }) => way)).toEqual(['direct'])
  })

  it('repairs what gossip never carried', async () => {
    const nodes = await network.nodes(['ada', 'bob', 'cyd'])
    await until(() => allOnline(nodes))
    const [ada, bob, cyd] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
    const thread = threadNamed('lost')
    ada.threads.write(thread)
    await until(() => bob.threads.count(thread) === 1 && cyd.threads.count(thread) === 1)
    expect(factsOf(bob, 'envelope-received').map(({ way }) => way)).toContain('repair')
  })

  it('asks for missing causes at once, not at the next interval', async () => {
    const nodes = await network.nodes(['ada', 'bob'], { timings: { repairMs: 60_000 } })
    await until(() => allOnline(nodes))
    const [ada, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const thread = threadNamed('held')
    ada.threads.write(thread)
    ada.mesh.publish(ada.threads.write(thread), { thread, opening: false })
    await until(() => bob.threads.count(thread) === 2)
    expect(factsOf(bob, 'envelope-received').map(({ status }) => status)).toContain('held')
  })

  it('repairs long histories of several authors page by page, causes first', async () => {
    const [first, second] = namesInOrder('ada', 'bob') as [string, string]
    const thread = threadNamed('history')
    const [one, two] = [first, second].map((name) => new MemoryThreads(MESH, identityOf(name).signer)) as [
      MemoryThreads,
      MemoryThreads,
    ]
    // alternating authors: each change follows the other's, so no author's log can be applied by itself
    for (let i = 0; i < 60; i++) {
      await two.receive(one.write(thread, 20_000))
      await one.receive(two.write(thread, 20_000))
    }
    network.enlist(first)
    network.enlist('cyd')
    network.enlist(second)
    const writer = await network.node(first, { threads: one })
    const reader = await network.node('cyd')
    await until(() => reader.threads.count(thread) === 120)
    const pages = factsOf(writer, 'page-served')
    expect(pages.length).toBeGreaterThan(3)
    expect(pages.every(({ bytes }) => bytes <= 512 * 1024)).toBe(true)
    expect(factsOf(reader, 'envelope-received').filter(({ status }) => status === 'held')).toEqual([])
  })
})

describe('twelve nodes behind one address', () => {
  it('all talk with all', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `node-${i}`)
    const { graceMs, redialMostMs } = DEFAULT_TIMINGS
    const nodes = await network.nodes(names, { timings: { graceMs, redialMostMs } })
    await until(() => allOnline(nodes), 30_000)
    const thread = threadNamed('crowd')
    for (const node of nodes) node.mesh.publish(node.threads.write(thread), { thread, opening: false })
    await until(() => nodes.every((node) => node.threads.count(thread) === 12), 30_000)
  }, 60_000)
})

describe('closing', () => {
  it('is idempotent, quick, and seen by the others at once', async () => {
    const nodes = await network.nodes(['ada', 'bob'])
    await until(() => allOnline(nodes))
    const [ada, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const started = performance.now()
    await Promise.all([bob.mesh.close(), bob.mesh.close()])
    expect(performance.now() - started).toBeLessThan(2_000)
    await until(() => stateOf(ada, bob.peer) === 'offline', 1_000)
    expect(ada.mesh.cards().find(({ card }) => card.peer === bob.peer)?.live).toBe(false)
    await expect(bob.mesh.fetchBlob('00'.repeat(32), { signal: AbortSignal.timeout(1_000) })).rejects.toThrow(MeshError)
  })

  it('hands out what was published just before; repair brings what the goodbye cut off', async () => {
    const nodes = await network.nodes(['ada', 'bob'])
    await until(() => allOnline(nodes))
    const [ada, bob] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
    const thread = threadNamed('last words')
    ada.mesh.publish(ada.threads.write(thread), { thread, opening: false })
    await ada.mesh.close()
    const handedOut = factsOf(ada, 'batch-published').map(({ recipients, direct }) => recipients + direct)
    expect(handedOut).toEqual([1])
    const again = await network.node('ada', { threads: ada.threads })
    await until(() => allOnline([again, bob]) && bob.threads.count(thread) === 1)
  })
})
