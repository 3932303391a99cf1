import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type Mesh, openMesh } from '@bzzz/mesh'
import type { Incarnation, MeshId, PeerId, ThreadId } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { openThreads } from '@bzzz/threads'
import { identityFromSeed } from 'bzzz'
import { concurrently } from '../interleaved.ts'
import { writer } from '../prose.ts'
import { Arrivals } from './arrivals.ts'
import { type Member, POST_BYTES } from './measured-post.ts'

const MESH = 'b'.repeat(64) as MeshId
const SECRET = Buffer.alloc(32, 7)
const POLL_MS = 20
// Written beforehand; more than go into one batch, which would pack too well otherwise.
const TEXTS = 500

/**
 * The rooms of a node that carry words, wired as the node wires them.
 * @param snapshots whether they are made: while a thread is quiet, so in the time of whatever is measured next
 */
export async function openOurs(directory: string, seed: Uint8Array, { snapshots }: { snapshots: boolean }) {
  const signer = identityFromSeed(seed)
  let members: { peer: PeerId; label: string; role: 'node'; addrs: string[] }[] = [
    { peer: signer.peer, label: 'self', role: 'node', addrs: [] },
  ]
  const state = await openState({ directory: join(directory, 'state') })
  const snapshotMade = Promise.withResolvers<void>()
  const open = (snapshots?: { directory: string }) =>
    openThreads({
      ...(snapshots === undefined ? {} : { snapshots }),
      observe: (fact) => {
        if (fact.type === 'snapshot-made') snapshotMade.resolve()
      },
      room: state.room('threads'),
      mesh: MESH,
      signer,
      isMember: (peer) => members.some((member) => member.peer === peer),
      now: Date.now,
      randomBytes,
    })
  const threads = await open(snapshots ? { directory: join(directory, 'cache', 'snapshots') } : undefined)
  const mesh: Mesh = await openMesh({
    mesh: MESH,
    network: 'bench',
    privateKey: seed,
    signer,
    secret: SECRET,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    cacheDirectory: join(directory, 'cache'),
    members: () => members,
    threads,
    card: () => ({
      ...{ v: 1, peer: signer.peer, label: 'bench', incarnation: '0'.repeat(32) as Incarnation, addrs: [] },
      ...{ boot: { counter: 1, nonce: '0'.repeat(32) as Incarnation }, spare: [] },
      ...{ version: '0.1.0', manifestVersion: 1, startedMs: 0, wallMs: Date.now(), seq: Date.now(), threads: 0 },
      agents: [],
    }),
    now: Date.now,
  })
  const arrivals = new Arrivals()
  threads.subscribe(({ thread, own, envelope, entries }) => {
    if (own) mesh.publish(envelope, { thread, opening: entries.some(({ entry }) => entry.type === 'open') })
    else for (const { entry } of entries) noteEntry(entry.id)
  })
  function noteEntry(id: string): void {
    const [run = '', number = ''] = id.split('_')
    arrivals.note(run, Number(number))
  }

  const author = `human:bench@${signer.peer}`
  const write = writer(1)
  const texts = Array.from({ length: TEXTS }, () => write(POST_BYTES))

  async function post(thread: string, run: string, i: number): Promise<void> {
    const id = `${run}_${String(i).padStart(8, '0')}`
    await threads.append(thread as ThreadId, {
      type: 'message',
      id,
      author,
      ts: Date.now(),
      content: texts[i % TEXTS] ?? '',
    })
  }

  return {
    threads,
    mesh,
    author,
    /** The threads on disk once more, as a start finds them; only to be read. */
    openAgain: () => open(),
    /** Resolves when a snapshot has been made. */
    snapshotMade: () => snapshotMade.promise,
    address: mesh.addrs()[0] ?? '',
    arrivals,
    post,
    burst: (thread: string, run: string, count: number, inFlight: number) =>
      concurrently(count, inFlight, (i) => post(thread, run, i)),
    /** @param others with an empty address who is to come by itself */
    meet(others: readonly Pick<Member, 'seed' | 'address'>[]): void {
      members = others.map(({ seed, address }, i) => ({
        peer: identityFromSeed(seed).peer,
        label: `bench-${i}`,
        role: 'node' as const,
        addrs: address === '' ? [] : [address],
      }))
    },
    async met(): Promise<void> {
      while (mesh.peers().length < 2 || mesh.peers().some((peer) => peer.state !== 'online')) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
    },
    async open(): Promise<string> {
      const open = { id: `open-${randomBytes(8).toString('hex')}`, author, ts: Date.now(), content: '' }
      return (await threads.create({ type: 'open', ...open, topic: 'bench', project: 'bench' })).thread
    },
    async close(): Promise<void> {
      await mesh.close()
      await threads.close()
      await state.close()
    },
  }
}
