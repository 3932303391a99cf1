import { manifestKey } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryManifest } from './memory-manifest.ts'
import { allOnline, cardOf, factsOf, identityOf, MESH, Network, stateOf, until } from './network.ts'

let network: Network
beforeEach(() => {
  network = new Network()
})
afterEach(() => network.close())

async function nodeWith(name: string, version: number, manifest = new MemoryManifest(version)) {
  network.enlist(name)
  const { peer } = identityOf(name).signer
  const card = () => ({ ...cardOf(peer, name), manifestVersion: manifest.version })
  return { manifest, node: await network.node(name, { manifest, card }) }
}

describe('the newest manifest', () => {
  it('reaches every node that is up at once, and one that comes later from any of them', async () => {
    const [ada, bob] = [await nodeWith('ada', 1), await nodeWith('bob', 1)]
    await until(() => allOnline([ada.node, bob.node]))
    const startedMs = performance.now()
    ada.manifest.take(2)
    await until(() => bob.manifest.version === 2)
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    await ada.node.mesh.close()
    const cyd = await nodeWith('cyd', 1)
    await until(() => cyd.manifest.version === 2)
  })

  it('goes to nobody who has it, and nothing goes back', async () => {
    const [ada, bob] = [await nodeWith('ada', 3), await nodeWith('bob', 2)]
    await until(() => bob.manifest.version === 3)
    expect(ada.manifest.version).toBe(3)
  })

  it('lets a new member in within a second', async () => {
    const [ada, bob] = [await nodeWith('ada', 1), await nodeWith('bob', 1)]
    network.members.delete(bob.node.peer)
    await until(() => stateOf(ada.node, bob.node.peer) === undefined)
    network.enlist('bob', [`/ip4/127.0.0.1/tcp/${bob.node.port}`])
    const startedMs = performance.now()
    ada.manifest.take(2)
    await until(() => stateOf(ada.node, bob.node.peer) === 'online')
    expect(performance.now() - startedMs).toBeLessThan(1_000)
  })

  it('is shown once to a peer that has the same number, since it may have another under it', async () => {
    const [ada, bob] = [await nodeWith('ada', 2), await nodeWith('bob', 2)]
    await until(() => ada.manifest.received.length > 0 && bob.manifest.received.length > 0)
    bob.node.mesh.announce()
    ada.manifest.take(3)
    await until(() => bob.manifest.version === 3)
    const twos = [ada, bob].map(({ manifest }) => manifest.received.filter((version) => version === 2).length)
    expect(twos).toEqual([1, 1])
  })

  it('is shown to whom it does not name any more, before the link ends', async () => {
    const [ada, bob] = [await nodeWith('ada', 1), await nodeWith('bob', 1)]
    await until(() => allOnline([ada.node, bob.node]))
    network.members.delete(bob.node.peer)
    ada.manifest.take(2)
    await until(() => bob.manifest.version === 2)
    await until(() => factsOf(ada.node, 'peer-offline').some(({ reason }) => reason === 'no longer a member'))
  })

  it('that is none ends the link of whoever sent it', async () => {
    const [ada, bob] = [await nodeWith('ada', 101), await nodeWith('bob', 1)]
    await until(() => factsOf(bob.node, 'frame-refused').length > 0)
    expect(factsOf(bob.node, 'frame-refused')[0]).toMatchObject({ peer: ada.node.peer, code: 'BAD_SIGNATURE' })
    expect(bob.manifest.version).toBe(1)
  })
})

describe('the manifest in the DHT', () => {
  /** It keeps what it has, whatever it is handed: a peer that cannot hand on what its DHT holds. */
  class Stubborn extends MemoryManifest {
    override async receive(): Promise<void> {}
  }

  it('is learned from there by a node whose peers do not have it', async () => {
    const [ada, bob] = [await nodeWith('ada', 3), await nodeWith('bob', 1, new Stubborn(1))]
    await until(() => factsOf(ada.node, 'manifest-published').some(({ acks }) => acks > 0))
    await ada.node.mesh.close()
    const cyd = await nodeWith('cyd', 1)
    await until(() => cyd.manifest.version === 3)
    expect(bob.manifest.version).toBe(1)
  })

  it('is put there once for several changes in a row, and not again while nothing changes', async () => {
    const [ada, bob] = [await nodeWith('ada', 1), await nodeWith('bob', 1)]
    const published = () => factsOf(ada.node, 'manifest-published').filter(({ acks }) => acks > 0)
    await until(() => published().length === 1)
    for (const version of [2, 3, 4]) ada.manifest.take(version)
    await until(() => published().length === 2)
    expect(published().map(({ version }) => version)).toEqual([1, 4])
    expect(bob.manifest.version).toBe(4)
  })

  it('that the owner did not sign is neither kept nor believed', async () => {
    const [ada, bob] = [await nodeWith('ada', 2), await nodeWith('bob', 2)]
    await until(() => allOnline([ada.node, bob.node]))
    const put = ada.node.mesh.putRecord(manifestKey(MESH), Uint8Array.of(101), { signal: AbortSignal.timeout(5_000) })
    await expect(put).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
  })
})

it('a laptop whose card names agents is no peer', async () => {
  const [ada, bob] = [await nodeWith('ada', 1), await nodeWith('bob', 1)]
  await until(() => allOnline([ada.node, bob.node]))
  const agents = [{ ...AGENT, id: `architect@${bob.node.peer}` as never }]
  await bob.node.mesh.close()
  network.members.set(bob.node.peer, { peer: bob.node.peer, label: 'bob', role: 'laptop', addrs: [] })
  await network.node('bob', { card: () => ({ ...cardOf(bob.node.peer, 'bob'), agents }) })
  await until(() => factsOf(ada.node, 'hello-refused').length > 0)
  expect(factsOf(ada.node, 'hello-refused')[0]).toMatchObject({ code: 'BAD_SHAPE', reason: 'a laptop with agents' })
})

const AGENT = {
  ...{ role: 'architect', specialization: '', capabilities: [], model: 'm', provider: 'p', simulated: true },
  ...{ maxTasks: 1, status: 'idle' as const, activeTurns: 0, promptHash: '0'.repeat(64) },
}
