import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EntryOf, equalBytes, type MeshId, peerIdFromPublicKey, type Signer, type ThreadId } from '@bzzz/protocols'
import { openState, type StateDatabase } from '@bzzz/store'
import { onTestFinished } from 'vitest'
import type { Threads } from '../src/port.ts'
import { openThreads, type ThreadsOptions } from '../src/threads.ts'
import type { ThreadView } from '../src/view.ts'

/** What the tests of this room stand on: keys, temporary databases, and short ways to write an entry. */

export const mesh = 'ab'.repeat(32) as MeshId

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex') // RFC 8410 §7

/** The same key for the same number, in every run. */
export function signerOf(number: number): Signer {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, Buffer.alloc(32, number)]),
    format: 'der',
    type: 'pkcs8',
  })
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32)
  return { peer: peerIdFromPublicKey(publicKey), publicKey, sign: (message) => sign(null, message, key) }
}

export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-threads-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export async function temporaryState(): Promise<StateDatabase> {
  const state = await openState({ directory: await temporaryDirectory() })
  onTestFinished(() => state.close())
  return state
}

export function optionsFor(state: StateDatabase, signer: Signer): ThreadsOptions {
  return { room: state.room('threads'), mesh, signer, isMember: () => true, now: Date.now, randomBytes }
}

/** Threads of one node on a database of its own. */
export async function openNode(number: number, overrides: Partial<ThreadsOptions> = {}) {
  const signer = signerOf(number)
  const state = await temporaryState()
  const threads = await openThreads({ ...optionsFor(state, signer), ...overrides })
  onTestFinished(() => threads.close())
  return { signer, state, threads, by: writerOf(signer) }
}

/** Entries by people at one node. */
export function writerOf(signer: Signer) {
  const author = `human:ada@${signer.peer}`
  return {
    open: (topic = 'A topic', ts = 1): EntryOf<'open'> => ({
      type: 'open',
      id: 'opening-entry',
      author,
      ts,
      content: '',
      topic,
      project: 'bzzz',
    }),
    message: (id: string, content = id, ts = 1): EntryOf<'message'> => ({ type: 'message', id, author, ts, content }),
    archive: (id = 'archive-1', ts = 1): EntryOf<'archive'> => ({ type: 'archive', id, author, ts, content: '' }),
  }
}

/** Hands over all that `to` lacks, as repair between two nodes does. */
export async function repair(from: Threads, to: Threads): Promise<void> {
  const have = await to.digest()
  for (const [thread, digest] of await from.digest()) {
    const known = have.get(thread)
    if (known !== undefined && equalBytes(known, digest)) continue
    for await (const envelope of from.envelopesAfter(thread, await to.vector(thread))) await to.receive(envelope)
  }
}

/** The ids that a node shows of a thread, in order. */
export async function shownIds(threads: Threads, thread: ThreadId): Promise<string[]> {
  return (await viewOf(threads, thread)).entries.map(({ entry }) => entry.id)
}

export async function viewOf(threads: Threads, thread: ThreadId): Promise<ThreadView> {
  const view = await threads.view(thread)
  if (view === undefined) throw new Error(`no thread ${thread}`)
  return view
}
