import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Mesh, openMesh } from '@bzzz/mesh'
import {
  type EntryOf,
  type Incarnation,
  type MeshId,
  type PeerId,
  peerIdFromPublicKey,
  type Signer,
  type ThreadId,
} from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { openThreads, type Threads } from '@bzzz/threads'
import { expect, onTestFinished, test, vi } from 'vitest'

const MESH = 'cd'.repeat(32) as MeshId
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex') // RFC 8410 §7
const TIMEOUT_MS = 60_000

function identity(number: number): { seed: Uint8Array; signer: Signer } {
  const seed = Buffer.alloc(32, number)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  return { seed, signer: { peer: peerIdFromPublicKey(publicKey), publicKey, sign: (text) => sign(null, text, key) } }
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-equivocation-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Threads on a disk of their own. `random` the same twice under one key: a copy that writes with the same actor. */
async function storeOf(number: number, random: (length: number) => Uint8Array = randomBytes): Promise<Threads> {
  const state = await openState({ directory: await temporaryDirectory() })
  onTestFinished(() => state.close())
  const { signer } = identity(number)
  const room = state.room('threads')
  const threads = await openThreads({
    room,
    mesh: MESH,
    signer,
    isMember: () => true,
    now: Date.now,
    randomBytes: random,
  })
  onTestFinished(() => threads.close())
  return threads
}

async function joined(number: number, threads: Threads, addrs: ReadonlyMap<PeerId, readonly string[]>): Promise<Mesh> {
  const { seed, signer } = identity(number)
  const mesh = await openMesh({
    mesh: MESH,
    network: 'tests',
    privateKey: seed,
    signer,
    secret: null,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    cacheDirectory: await temporaryDirectory(),
    members: () =>
      [...addrs].map(([peer, known]) => ({ peer, label: peer.slice(-4), role: 'node' as const, addrs: [...known] })),
    threads,
    card: () => ({
      v: 1,
      peer: signer.peer,
      label: `node-${number}`,
      incarnation: '0123456789abcdef0123456789abcdef' as Incarnation,
      boot: { counter: 1, nonce: '0123456789abcdef0123456789abcdef' as Incarnation },
      spare: [],
      addrs: [],
      version: '0.1.0',
      manifestVersion: 1,
      startedMs: 1,
      wallMs: 1,
      seq: 1,
      threads: 0,
      agents: [],
    }),
    now: Date.now,
    timings: { repairMs: 200, redialFirstMs: 50, redialMostMs: 400 },
  })
  onTestFinished(() => mesh.close())
  return mesh
}

function message(number: number, id: string): EntryOf<'message'> {
  return { type: 'message', id, author: `human:ada@${identity(number).signer.peer}`, ts: 1, content: id }
}

async function copyTo(to: Threads, from: Threads, thread: ThreadId): Promise<void> {
  for await (const envelope of from.envelopesAfter(thread, new Map())) await to.receive(envelope)
}

async function idsIn(threads: Threads, thread: ThreadId): Promise<string[] | undefined> {
  return (await threads.view(thread))?.entries.map(({ entry }) => entry.id)
}

test(
  'nodes to whom a member told different things come to the same over the mesh, with all that the others said',
  async () => {
    const [ann, ben] = [await storeOf(1), await storeOf(2)]
    const [twin, copy] = [
      await storeOf(3, (length) => Buffer.alloc(length, 5)),
      await storeOf(3, (length) => Buffer.alloc(length, 5)),
    ]
    const open = { ...message(1, 'opening-entry'), type: 'open' as const, topic: 'Who said what', project: 'bzzz' }
    const { thread } = await ann.create(open)
    for (const other of [twin, copy]) await copyTo(other, ann, thread)
    await twin.append(thread, message(3, 'told-to-ann'))
    await copy.append(thread, message(3, 'told-to-ben'))
    await copyTo(ann, twin, thread)
    await copyTo(ben, copy, thread)
    await ann.append(thread, message(1, 'ann-answers'))
    await ben.append(thread, message(2, 'ben-answers'))

    const addrs = new Map<PeerId, readonly string[]>([1, 2, 3].map((number) => [identity(number).signer.peer, []]))
    const first = await joined(1, ann, addrs)
    addrs.set(first.peer, first.addrs())
    await joined(2, ben, addrs)

    await vi.waitFor(
      async () => {
        const [one, two] = [await ann.digest(), await ben.digest()]
        expect(Buffer.from(one.get(thread) ?? []).equals(two.get(thread) ?? new Uint8Array())).toBe(true)
        expect(await idsIn(ann, thread)).toEqual(expect.arrayContaining(['ann-answers', 'ben-answers']))
      },
      { timeout: TIMEOUT_MS / 2, interval: 50 },
    )
    const ids = (await idsIn(ann, thread)) ?? []
    expect(await idsIn(ben, thread)).toEqual(ids)
    expect(ids.length).toBe(4)
    expect(ids.filter((id) => id.startsWith('told-to-')).length).toBe(1)
  },
  TIMEOUT_MS,
)
