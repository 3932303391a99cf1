import { openedThreadId, projectTag, successorId, type ThreadId, threadIdBytes, vectorHash } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Interest } from '../src/projects/interest.ts'
import { MemoryThreads } from './memory-threads.ts'
import { allOnline, identityOf, MESH, Network, type TestNode, threadNamed, until } from './network.ts'

const opener = identityOf('ada').signer.peer
const SHOP = openedThreadId(opener, 1_700_000_000_001)
const BANK = openedThreadId(opener, 1_700_000_000_002)
const projectOf = (thread: ThreadId) => (thread === SHOP ? 'shop' : thread === BANK ? 'bank' : '')
const PART = successorId(BANK, 1)
const shopOnly = { projects: ['shop'], threads: [] }

let network: Network
beforeEach(() => {
  network = new Network()
})
afterEach(() => network.close())

/** Ada follows all, bob the shop alone; repair stays out of the way unless asked for. */
async function adaAndBob(repairMs = 60_000): Promise<[TestNode, TestNode]> {
  for (const name of ['ada', 'bob']) network.enlist(name)
  const ada = await network.node('ada', { projectOf, timings: { repairMs } })
  const bob = await network.node('bob', { projectOf, timings: { repairMs }, follows: shopOnly })
  // a pong comes behind what bob says first: what he follows
  await until(() => allOnline([ada, bob]) && ada.mesh.peers().every(({ latencyMs }) => latencyMs !== null))
  return [ada, bob]
}

/** An opening entry, and one that follows it. */
function publishTwo(node: TestNode, thread: ThreadId): void {
  // of another size in each thread, since changes without operations are told apart by nothing else
  const size = thread === SHOP ? 100 : 200
  node.mesh.publish(node.threads.write(thread, size), { thread, opening: true })
  node.mesh.publish(node.threads.write(thread, size), { thread, opening: false })
}

describe('a node that follows one project', () => {
  it('gets all of its threads, and of the others the opening only', async () => {
    const [ada, bob] = await adaAndBob()
    publishTwo(ada, BANK)
    publishTwo(ada, SHOP)
    await until(() => bob.threads.count(SHOP) === 2 && bob.threads.count(BANK) === 1)
    ada.mesh.publish(ada.threads.write(SHOP), { thread: SHOP, opening: false })
    await until(() => bob.threads.count(SHOP) === 3)
    expect(bob.threads.count(BANK)).toBe(1)
  })

  it('pulls of the threads of the others no more than their openings in repair', async () => {
    const [ada, bob] = await adaAndBob(100)
    for (let i = 0; i < 3; i++) ada.threads.write(BANK, 200)
    ada.threads.write(SHOP)
    await until(() => bob.threads.count(SHOP) === 1 && bob.threads.count(BANK) === 1)
    ada.threads.write(SHOP)
    await until(() => bob.threads.count(SHOP) === 2)
    expect(bob.threads.count(BANK)).toBe(1)
  })

  it('pulls a thread whose project nobody knows', async () => {
    const [ada, bob] = await adaAndBob(100)
    const thread = threadNamed('of no project')
    ada.threads.write(thread)
    await until(() => bob.threads.count(thread) === 1)
  })

  it('fetches a thread of another project when it is told to, and keeps up with it', async () => {
    const [ada, bob] = await adaAndBob()
    for (let i = 0; i < 3; i++) ada.threads.write(BANK)
    expect(await bob.mesh.fetchThread(BANK, { signal: AbortSignal.timeout(20_000) })).toBe(1)
    expect(bob.threads.count(BANK)).toBe(3)
    bob.mesh.follow(BANK)
    await until(() => {
      ada.mesh.publish(ada.threads.write(BANK), { thread: BANK, opening: false })
      return bob.threads.count(BANK) > 3
    })
  })

  it('gets of a part of such a thread its first change, and all of it once it follows the thread', async () => {
    const [ada, bob] = await adaAndBob(100)
    for (const { threads } of [ada, bob]) threads.roots.set(PART, BANK)
    for (let i = 0; i < 3; i++) ada.threads.write(BANK, 200)
    for (let i = 0; i < 3; i++) ada.threads.write(PART, 300)
    await until(() => bob.threads.count(PART) === 1 && bob.threads.count(BANK) === 1)
    bob.mesh.follow(BANK)
    ada.mesh.publish(ada.threads.write(PART, 300), { thread: BANK, opening: false })
    await until(() => bob.threads.count(PART) === 4)
  })

  it('fetches a thread with all of its parts, also by the id of one of them', async () => {
    const [ada, bob] = await adaAndBob()
    const parts = [BANK, PART, successorId(BANK, 2)]
    for (const { threads } of [ada, bob]) for (const part of parts.slice(1)) threads.roots.set(part, BANK)
    for (const [i, part] of parts.entries()) for (let n = 0; n < 3; n++) ada.threads.write(part, 200 + 100 * i)
    expect(await bob.mesh.fetchThread(PART, { signal: AbortSignal.timeout(20_000) })).toBe(1)
    expect(parts.map((part) => bob.threads.count(part))).toEqual([3, 3, 3])
  })

  it('hands its own entries in a thread of another project to those who follow that', async () => {
    const [ada, bob] = await adaAndBob()
    publishTwo(bob, BANK)
    await until(() => ada.threads.count(BANK) === 2)
  })
})

it('a node that follows all fetches nothing that nobody has, and says so at once', async () => {
  const [ada] = await adaAndBob()
  expect(await ada.mesh.fetchThread(threadNamed('nowhere'), { signal: AbortSignal.timeout(20_000) })).toBe(1)
  await expect(ada.mesh.fetchThread(BANK, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
})

describe('who has what', () => {
  it('is known of both sides once they have the same, and lags behind what is written since', async () => {
    const [ada, bob] = await adaAndBob(100)
    ada.threads.write(SHOP)
    await until(() => ada.mesh.holders(SHOP).has(bob.peer) && bob.mesh.holders(SHOP).has(ada.peer))
    const same = await ada.threads.vector(SHOP)
    expect(vectorHash(ada.mesh.holders(SHOP).get(bob.peer) ?? new Map())).toEqual(vectorHash(same))
  })

  it('is known from what a peer asks with, although it has more or less than we', async () => {
    const shared = new MemoryThreads(MESH, identityOf('ada').signer)
    const bobs = new MemoryThreads(MESH, identityOf('bob').signer)
    await bobs.receive(shared.write(SHOP))
    shared.write(SHOP)
    for (const name of ['ada', 'bob']) network.enlist(name)
    const ada = await network.node('ada', { projectOf, threads: shared, timings: { repairMs: 60_000 } })
    const bob = await network.node('bob', { projectOf, threads: bobs, timings: { repairMs: 60_000 } })
    await until(() => bob.threads.count(SHOP) === 2)
    const [held] = ada.mesh.holders(SHOP).get(bob.peer)?.values() ?? []
    expect(held?.seq).toBe(1)
  })

  it('asks a peer that has less only once, as long as it has the same', async () => {
    const [ada, bob] = await adaAndBob(50)
    publishTwo(ada, BANK)
    await until(() => bob.threads.count(BANK) === 1)
    let digests = 0
    const digest = bob.threads.digest.bind(bob.threads)
    bob.threads.digest = async () => {
      digests++
      return await digest()
    }
    let asked = 0
    const after = bob.threads.envelopesAfter.bind(bob.threads)
    bob.threads.envelopesAfter = (thread, have) => {
      asked++
      return after(thread, have)
    }
    await until(() => digests > 20)
    expect(asked).toBeLessThan(3)
  })
})

describe('the projects that are known', () => {
  const threads = { summary: () => undefined, rootOf: (thread: ThreadId) => thread }

  it('are told once each, and only the followed ones', () => {
    const told: Uint8Array[] = []
    const interest = new Interest({ follows: shopOnly, threads, onProject: (tag) => void told.push(tag) })
    for (const name of ['bank', 'shop', 'shop']) interest.learn(projectTag(name))
    expect(told).toEqual([projectTag('shop')])
  })

  it('are bounded: a member may name as many as it likes', () => {
    let told = 0
    const interest = new Interest({ follows: { projects: null, threads: [] }, threads, onProject: () => void told++ })
    for (let i = 0; i < 2_000; i++) interest.learn(projectTag(`project ${i}`))
    expect(told).toBe(512)
  })

  it('are told to peers with the threads followed for themselves', () => {
    const interest = new Interest({ follows: { ...shopOnly, threads: [BANK] }, threads, onProject: () => undefined })
    expect(interest.frame()).toEqual({
      t: 'follows',
      all: false,
      projects: [Uint8Array.from(projectTag('shop'))],
      threads: [Uint8Array.from(threadIdBytes(BANK))],
    })
  })
})
