import { blobHash, packPage, type ThreadId, unpackPage } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Joined } from '../src/threads-port.ts'
import { MemoryThreads } from './memory-threads.ts'
import { factsOf, identityOf, MESH, Network, stateOf, threadNamed, until } from './network.ts'

const thread = threadNamed('long')
let network: Network
beforeEach(() => {
  network = new Network()
})
afterEach(() => network.close())

/** Threads with a long one, and a snapshot of its first changes: here a page of envelopes. */
async function holder(name: string, log = logOf(120)) {
  const threads = new MemoryThreads(MESH, identityOf(name).signer)
  for (const envelope of log) await threads.receive(envelope)
  const snapshot = await packPage(log.slice(0, 100))
  const hash = blobHash(snapshot)
  const asked: ThreadId[] = []
  threads.snapshots = {
    ...threads.snapshots,
    offers: (wanted) => {
      asked.push(...wanted)
      return wanted.includes(thread) ? [{ thread, hash, changes: 100 }] : []
    },
    get: async (wanted) => (wanted === hash ? snapshot : undefined),
  }
  return { threads, asked }
}

function logOf(changes: number): Uint8Array[] {
  const author = new MemoryThreads(MESH, identityOf('author').signer)
  return Array.from({ length: changes }, () => author.write(thread))
}

/** Threads that take such snapshots, or find fault with them. */
function joining(name: string, judge: (envelopes: readonly Uint8Array[]) => Joined | undefined = () => undefined) {
  const threads = new MemoryThreads(MESH, identityOf(name).signer)
  threads.snapshots = {
    ...threads.snapshots,
    async join(_, fetch) {
      const bytes = await fetch()
      if (bytes === undefined) return { status: 'failed', reason: 'it did not come' }
      const envelopes = await unpackPage(bytes)
      const fault = judge(envelopes)
      if (fault !== undefined) return fault
      for (const envelope of envelopes) await threads.receive(envelope)
      return { status: 'joined', changes: envelopes.length }
    },
  }
  return threads
}

describe('a node that has nothing of a long thread', () => {
  it('takes a snapshot first, and the rest by pages', async () => {
    const { threads, asked } = await holder('ada')
    for (const name of ['ada', 'bob', 'author']) network.enlist(name)
    await network.node('ada', { threads })
    const bob = await network.node('bob', { threads: joining('bob') })
    await until(() => bob.threads.count(thread) === 120)
    expect(factsOf(bob, 'snapshot-taken')).toMatchObject([{ thread, changes: 100 }])
    expect(factsOf(bob, 'envelope-received').filter(({ way }) => way === 'repair').length).toBe(20)
    expect(asked).toEqual([thread])
  })

  it('does not ask for one when it has most of the thread already', async () => {
    const log = logOf(120)
    const { threads, asked } = await holder('ada', log)
    for (const name of ['ada', 'bob', 'author']) network.enlist(name)
    await network.node('ada', { threads })
    const own = joining('bob')
    for (const envelope of log.slice(0, 110)) await own.receive(envelope)
    const bob = await network.node('bob', { threads: own })
    await until(() => bob.threads.count(thread) === 120)
    expect(asked).toEqual([])
  })

  it('hangs up on whoever sends one that does not hold, asks it for no other, and gets all by pages', async () => {
    const { threads, asked } = await holder('ada')
    for (const name of ['ada', 'bob', 'author']) network.enlist(name)
    const ada = await network.node('ada', { threads })
    const lies: Joined = { status: 'refused', reason: 'a signature does not hold' }
    const bob = await network.node('bob', { threads: joining('bob', () => lies) })
    await until(() => factsOf(bob, 'snapshot-refused').length === 1)
    await until(() => factsOf(bob, 'peer-offline').some(({ reason }) => reason.includes('snapshot')))
    await until(() => stateOf(bob, ada.peer) === 'online' && bob.threads.count(thread) === 120)
    expect(asked).toEqual([thread])
  })

  it('gets the thread from another when the one with the snapshot dies midway', async () => {
    const log = logOf(120)
    const dying = await holder('ada', log)
    const stuck = Promise.withResolvers<undefined>()
    const waiting = Promise.withResolvers<void>()
    dying.threads.snapshots = {
      ...dying.threads.snapshots,
      get: () => {
        waiting.resolve()
        return stuck.promise
      },
    }
    for (const name of ['ada', 'bob', 'cyd', 'author']) network.enlist(name)
    const ada = await network.node('ada', { threads: dying.threads })
    const bob = await network.node('bob', { threads: joining('bob') })
    await waiting.promise
    const closed = ada.mesh.close()
    await until(() => stateOf(bob, ada.peer) === 'offline')
    expect(bob.threads.count(thread)).toBe(0)
    stuck.resolve(undefined)
    await closed
    const cyd = await network.node('cyd', { threads: (await holder('cyd', log)).threads })
    await until(() => stateOf(bob, cyd.peer) === 'online' && bob.threads.count(thread) === 120)
  })
})
