import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Mesh, type MeshFact, openMesh } from '@bzzz/mesh'
import type { PeerId } from '@bzzz/protocols'
import type { ThreadFact, Threads } from '@bzzz/threads'
import { onTestFinished, vi } from 'vitest'
import { cardOf } from '../../packages/mesh/test/network.ts'
import { mesh, openNode, signerOf, viewOf, type writerOf } from '../../packages/threads/test/place.ts'
import { idOf, type Sight } from './scene.ts'

export const attacker = signerOf(9)
export const stranger = signerOf(8)
/** Of a key that {@link signerOf} makes. */
export const seedOf = (number: number) => Buffer.alloc(32, number)

/** Threads and mesh of one node, put together as the program puts them. */
export interface MeshedNode {
  readonly threads: Threads
  readonly mesh: Mesh
  readonly by: ReturnType<typeof writerOf>
  readonly peer: PeerId
  readonly threadFacts: ThreadFact[]
  readonly facts: MeshFact[]
}

// An attacker does not answer: what is tested here is not the end of its link by silence.
// Nor is it to be sent away before it has tried everything.
const TIMINGS = {
  forgiveMs: 0,
  graceMs: 300,
  redialFirstMs: 50,
  redialMostMs: 400,
  repairMs: 500,
  pingMs: 60_000,
  answerMs: 60_000,
}

/** Members of one mesh on loopback, each of which knows where those before it listen; the attacker is one of them. */
export async function openMeshedNodes(numbers: readonly number[]): Promise<MeshedNode[]> {
  const members = [...numbers, 9].map((number) => ({
    peer: signerOf(number).peer,
    label: `node-${number}`,
    role: 'node' as const,
    addrs: [] as string[],
  }))
  const nodes: MeshedNode[] = []
  for (const number of numbers) nodes.push(await openMeshedNode(number, members))
  const isFormed = () => nodes.every((node) => node.mesh.peers().filter(isOnline).length === nodes.length - 1)
  await vi.waitUntil(isFormed, { timeout: 20_000, interval: 10 })
  return nodes
}

function isOnline({ state }: { readonly state: string }): boolean {
  return state === 'online'
}

async function openMeshedNode(
  number: number,
  members: { readonly peer: PeerId; readonly label: string; readonly role: 'node'; addrs: string[] }[],
): Promise<MeshedNode> {
  const threadFacts: ThreadFact[] = []
  const facts: MeshFact[] = []
  const isMember = (peer: PeerId) => members.some((member) => member.peer === peer)
  const { signer, threads, by } = await openNode(number, { isMember, observe: (fact) => threadFacts.push(fact) })
  const cacheDirectory = await mkdtemp(join(tmpdir(), 'bzzz-hostile-'))
  const opened = await openMesh({
    mesh,
    network: 'hostile',
    privateKey: seedOf(number),
    signer,
    secret: null,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    cacheDirectory,
    members: () => members,
    threads,
    card: () => cardOf(signer.peer, `node-${number}`),
    now: Date.now,
    timings: TIMINGS,
    observe: (fact) => facts.push(fact),
  })
  threads.subscribe(({ thread, own, envelope, entries }) => {
    const opening = entries.some(({ entry }) => entry.type === 'open')
    if (own) opened.publish(envelope, { thread, opening })
  })
  onTestFinished(async () => {
    await opened.close()
    await rm(cacheDirectory, { recursive: true, force: true })
  })
  for (const member of members) if (member.peer === signer.peer) member.addrs = [...opened.addrs()]
  return { threads, mesh: opened, by, peer: signer.peer, threadFacts, facts }
}

const ENTRIES = 400
const SENTENCE = 'What somebody might write in a review of somebody else, more or less. '.repeat(8)

/** A thread with entries of its owner alone, many to a change. */
export async function writeThread(threads: Threads, by: ReturnType<typeof writerOf>): Promise<Sight> {
  const envelopes: Uint8Array[] = []
  const stop = threads.subscribe(({ envelope }) => envelopes.push(envelope))
  const { thread } = await threads.create(by.open())
  await Promise.all(Array.from({ length: ENTRIES }, (_, i) => threads.append(thread, by.message(idOf(i), SENTENCE))))
  stop()
  return { thread, envelopes }
}

/** What one peer is shown to have said, in order. */
export async function wordsOf(threads: Threads, { thread }: Pick<Sight, 'thread'>, peer: PeerId) {
  return (await viewOf(threads, thread)).entries.filter((viewed) => viewed.peer === peer).map(({ entry }) => entry)
}
