import { newThreadId, type PeerId } from '@bzzz/protocols'
import type { Offer } from '@bzzz/threads'
import { expect, test, vi } from 'vitest'
import { type DocumentOptions, OpenDocument } from '../../src/sync/document.ts'
import { SyncSocket } from '../../src/sync/socket.ts'
import { WorkerError, type WorkerHost } from '../../src/sync/worker/host.ts'

const thread = newThreadId(1, Buffer.alloc(10))
const sponsor = { peer: '12D3KooWwalnut' as PeerId, key: 'ab'.repeat(32) }
const WRITTEN: Offer = { changes: [new Uint8Array(1)], refused: undefined, waits: false, spoilt: false }
const NOTHING: Offer = { ...WRITTEN, changes: [] }

function socketOf(id: number): SyncSocket {
  const ws = { bufferedAmount: 0, send() {}, ping() {}, close() {}, terminate() {}, pause() {}, resume() {} }
  const limits = { readOnly: false, projects: null, threads: null, createdMs: 0, expiresMs: null }
  return new SyncSocket(id, { id: `token-${id}`, name: 'ada', ...limits }, ws, { self: 'walnut', onClose: () => {} })
}

/** A document whose replica is but a list of the calls that are made of it. */
function documentWith(options: Partial<DocumentOptions> = {}, answers: (name: string, socket: unknown) => unknown) {
  const calls: string[] = []
  const host = {
    generation: 0,
    async call(name: string, _thread: unknown, socket: unknown) {
      calls.push(name)
      return answers(name, socket)
    },
  } as unknown as WorkerHost
  const onFault = vi.fn((socket: SyncSocket) => {
    socket.close('fault')
    void document.leave(socket)
  })
  const document: OpenDocument = new OpenDocument(thread, {
    host,
    threads: { async *envelopesAfter() {} },
    sponsor,
    holdMs: 1_000,
    store: async () => ({ status: 'stored' }),
    isAvailable: async () => true,
    isGood: ({ isOpen }) => isOpen,
    onFault,
    onRefused: () => {},
    onLoad: () => {},
    observe: () => {},
    ...options,
  })
  return { document, calls, onFault }
}

test('what is stored while the last socket leaves and another one comes is shown to that one', async () => {
  const gate = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const [first, second] = [socketOf(1), socketOf(2)]
  const isAvailable = async (_: unknown, socket: SyncSocket) => {
    if (socket === second) {
      asked.resolve()
      await gate.promise
    }
    return true
  }
  const { document, calls } = documentWith({ isAvailable }, (name) => (name === 'learn' ? true : answerOf(name)))
  await document.take(first, new Uint8Array(1))
  const taken = document.take(second, new Uint8Array(1))
  await asked.promise
  const left = document.leave(first)
  document.heed({ envelope: new Uint8Array(1), lost: [] })
  gate.resolve()
  await taken
  await left
  await document.take(second, new Uint8Array(1))
  expect(document.has(second)).toBe(true)
  expect(calls).toContain('learn')
})

test('a replica on which a message failed does not stay in memory', async () => {
  const { document, calls, onFault } = documentWith({}, (name) => {
    if (name === 'offer') throw new WorkerError('FAULT', 'no message')
    return answerOf(name)
  })
  await document.take(socketOf(1), new Uint8Array(1))
  expect(onFault).toHaveBeenCalledOnce()
  expect(calls.at(-1)).toBe('drop')
  expect(document.isLoaded).toBe(false)
})

test.each(['HUNG', 'DIED'] as const)('only who is answered when the thread is %s is closed for it', async (code) => {
  const [honest, hostile] = [socketOf(1), socketOf(2)]
  let isBad = false
  const { document, onFault } = documentWith({}, (name, socket) => {
    if (name === 'message' && socket === hostile.id && isBad) throw new WorkerError(code, 'too much')
    return answerOf(name)
  })
  await document.take(hostile, new Uint8Array(1))
  isBad = true
  await document.take(honest, new Uint8Array(1))
  expect(onFault.mock.calls.map(([socket]) => socket)).toEqual([hostile])
  expect(honest.isOpen).toBe(true)
  expect(document.has(honest)).toBe(true)
})

test.each(['HUNG', 'DIED', 'FAILED'] as const)('nobody is at fault when the log is %s, and it ends', async (code) => {
  const observe = vi.fn()
  const { document, onFault } = documentWith({ observe }, (name) => {
    if (name === 'open') throw new WorkerError(code, 'too much')
    return answerOf(name)
  })
  const socket = socketOf(1)
  await document.take(socket, new Uint8Array(1))
  expect(onFault).not.toHaveBeenCalled()
  expect(socket.isOpen).toBe(false)
  expect(observe).toHaveBeenCalledOnce()
  expect(document.isIdle).toBe(true)
})

test('an edit is not stored whose token ended while it was looked at, nor is it kept', async () => {
  const store = vi.fn<DocumentOptions['store']>(async () => ({ status: 'stored' }))
  const socket = socketOf(1)
  const { document, calls } = documentWith({ store }, (name) => {
    if (name !== 'offer') return answerOf(name)
    socket.close('revoked')
    return WRITTEN
  })
  await document.take(socket, new Uint8Array(1))
  expect(store).not.toHaveBeenCalled()
  expect(calls.at(-1)).toBe('drop')
})

function answerOf(name: string): unknown {
  return name === 'offer' ? NOTHING : undefined
}
