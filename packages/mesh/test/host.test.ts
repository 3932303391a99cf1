import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openMesh } from '../src/index.ts'
import { MemoryThreads } from './memory-threads.ts'
import { cardOf, identityOf, MESH, Network } from './network.ts'

let network: Network
beforeEach(() => {
  network = new Network()
})
afterEach(() => network.close())

describe('a mesh that cannot open', () => {
  it('says which address is taken', async () => {
    const { port } = await network.node('ada')
    const taken = `/ip4/127.0.0.1/tcp/${port}`
    const opening = network.node('bob', { listen: [taken] })
    await expect(opening).rejects.toMatchObject({ code: 'LISTEN_FAILED', message: expect.stringContaining(taken) })
    await network.node('bob') // what the failed one held is free again
  })

  it('says that its cache is in use', async () => {
    await network.node('ada')
    await expect(network.node('ada')).rejects.toMatchObject({ code: 'CACHE_FAILED' })
  })

  it('does not mix two identities', async () => {
    const [ada, bob] = [identityOf('ada'), identityOf('bob')]
    const opening = openMesh({
      mesh: MESH,
      network: 'tests',
      privateKey: ada.seed,
      signer: bob.signer,
      secret: null,
      listen: ['/ip4/127.0.0.1/tcp/0'],
      cacheDirectory: await network.directoryOf('ada'),
      members: () => [],
      threads: new MemoryThreads(MESH, bob.signer),
      card: () => cardOf(bob.signer.peer, 'bob'),
      now: Date.now,
    })
    await expect(opening).rejects.toMatchObject({ code: 'WRONG_KEY' })
  })
})
