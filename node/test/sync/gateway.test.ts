import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { documentIdOf, type MeshId, peerIdFromPublicKey, type Signer } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { openThreads } from '@bzzz/threads'
import { decode, encode } from 'cborg'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { SyncFact } from '../../src/sync/facts.ts'
import { openGateway } from '../../src/sync/gateway.ts'
import { openSyncTokens } from '../../src/sync/tokens.ts'
import { manyChanges, request } from './messages.ts'

const mesh = 'ab'.repeat(32) as MeshId
const WAIT = { timeout: 30_000, interval: 10 }

function signer(): Signer {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 1)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32)
  return { peer: peerIdFromPublicKey(publicKey), publicKey, sign: (message) => sign(null, message, key) }
}

async function place() {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-gateway-'))
  const state = await openState({ directory })
  const self = signer()
  const clock = { ms: 1_000 }
  const now = () => clock.ms
  const options = { mesh, signer: self, now, randomBytes }
  const threads = await openThreads({ ...options, room: state.room('threads'), isMember: () => true })
  const author = `human:ada@${self.peer}`
  const opening = { type: 'open', id: 'opening-entry', author, ts: 1, content: '', topic: 'x', project: 'y' } as const
  const { thread } = await threads.create(opening)
  const facts: SyncFact[] = []
  const tokens = await openSyncTokens({ room: state.room('sync'), now, randomBytes })
  const gateway = openGateway({
    ...options,
    threads,
    tokens,
    publish: () => {},
    bring: () => Promise.resolve(),
    observe: (fact) => facts.push(fact),
    callMs: 400,
  })
  onTestFinished(async () => {
    await gateway.close()
    await threads.close()
    await state.close()
    await rm(directory, { recursive: true, force: true })
  })
  const say = (id: string) => threads.append(thread, { type: 'message', id, author, ts: 2, content: id })
  return { gateway, tokens, clock, thread, say, facts, about: documentIdOf(thread) }
}

/** A laptop that has joined with a token of its own. */
async function laptop(
  { gateway, tokens }: Awaited<ReturnType<typeof place>>,
  name: string,
  expiresMs: number | null = null,
) {
  const heard: Record<string, unknown>[] = []
  const ws = {
    bufferedAmount: 0,
    send: (data: Uint8Array) => void heard.push(decode(data)),
    ping: () => {},
    close: vi.fn(),
    terminate: () => {},
    pause: () => {},
    resume: () => {},
  }
  const made = await tokens.create({ name, readOnly: false, projects: null, threads: null, expiresMs })
  if (made === undefined) throw new Error('no token')
  const events = gateway.open(ws, made.about)
  const sends = (frame: Record<string, unknown>) => events.frame(encode(frame))
  sends({ type: 'join', senderId: name, peerMetadata: {} })
  const hears = (type: string, count = 1) =>
    vi.waitFor(() => expect(heard.filter((frame) => frame.type === type).length).toBeGreaterThanOrEqual(count), WAIT)
  await hears('peer')
  return { ws, events, sends, hears, heard }
}

test('a frame that takes too long ends its own connection, and the others go on by themselves', async () => {
  const there = await place()
  const [honest, hostile] = [await laptop(there, 'alice'), await laptop(there, 'mallory')]
  honest.sends({ type: 'request', documentId: there.about, data: request })
  await honest.hears('sync')
  hostile.sends({ type: 'sync', documentId: there.about, data: manyChanges() })
  await vi.waitFor(() => expect(hostile.ws.close).toHaveBeenCalled(), WAIT)
  expect(there.facts).toContainEqual({ type: 'worker-restarted', why: 'hung' })
  const before = honest.heard.length
  await there.say('after-the-restart')
  await vi.waitFor(() => expect(honest.heard.length).toBeGreaterThan(before), WAIT)
  expect(honest.ws.close).not.toHaveBeenCalled()
})

test('a frame of millions of small items is refused before they take memory', async () => {
  const there = await place()
  const hostile = await laptop(there, 'mallory')
  const items = 8 * 1024 * 1024 - 64
  const head = Buffer.alloc(5, 0x9a)
  head.writeUInt32BE(items, 1)
  hostile.events.frame(Buffer.concat([head, Buffer.alloc(items, 0xa0)]))
  await vi.waitFor(() => expect(hostile.ws.close).toHaveBeenCalled(), WAIT)
  expect(there.facts).toContainEqual(expect.objectContaining({ type: 'fault', kind: 'frame', holder: 'mallory' }))
  expect(there.facts.map(({ type }) => type)).not.toContain('worker-restarted')
})

test('a message of a token that has expired meanwhile is not looked at any further', async () => {
  const there = await place()
  const { ws, sends, hears } = await laptop(there, 'alice', 2_000)
  sends({ type: 'request', documentId: there.about, data: request })
  await hears('sync')
  there.clock.ms = 2_000
  sends({ type: 'sync', documentId: there.about, data: request })
  await vi.waitFor(() => expect(ws.close).toHaveBeenCalledWith(4401, 'the token has expired'), WAIT)
})

test('what a client may open, and how often, is bounded', async () => {
  const { gateway, tokens } = await place()
  const made = await tokens.create({ name: 'alice', readOnly: false, projects: null, threads: null, expiresMs: null })
  const ws = { bufferedAmount: 0, send() {}, ping() {}, close() {}, terminate() {}, pause() {}, resume() {} }
  const sockets = Array.from({ length: 8 }, () => made !== undefined && gateway.open(ws, made.about))
  expect(gateway.admit(made?.token ?? '')).toEqual({ status: 'full' })
  expect(gateway.identify(made?.token ?? '')).toMatchObject({ status: 'admitted' })
  if (sockets[0] !== undefined && sockets[0] !== false) sockets[0].closed()
  expect(gateway.admit(made?.token ?? '')).toMatchObject({ status: 'admitted' })
})
