import { expect, test, vi } from 'vitest'
import type { SyncClose } from '../../src/sync/facts.ts'
import { SyncSocket } from '../../src/sync/socket.ts'
import type { SyncToken } from '../../src/sync/tokens.ts'

const token: SyncToken = {
  id: 'aa',
  name: 'alice',
  readOnly: false,
  projects: null,
  threads: null,
  createdMs: 0,
  expiresMs: null,
}

/** A client that takes nothing, or everything. */
function place({ takes }: { takes: boolean }) {
  const ws = {
    bufferedAmount: 0,
    send(data: Uint8Array) {
      if (!takes) ws.bufferedAmount += data.length
    },
    ping: vi.fn(),
    close: vi.fn(),
    terminate: vi.fn(),
    pause: vi.fn(),
    resume: vi.fn(),
  }
  const closed: SyncClose[] = []
  const socket = new SyncSocket(1, token, ws, { self: 'node', onClose: (why) => closed.push(why) })
  socket.peer = 'laptop'
  return { ws, closed, socket }
}

test('a client that reads too slowly is cut before much is kept for it', () => {
  const { ws, closed, socket } = place({ takes: false })
  const data = new Uint8Array(1024 * 1024)
  for (let i = 0; i < 100; i++) socket.send({ type: 'sync', documentId: 'x', data })
  expect(closed).toEqual(['slow'])
  expect(ws.bufferedAmount).toBeLessThan(26 * 1024 * 1024)
  expect(ws.terminate).toHaveBeenCalledOnce()
})

test('a client that sends faster than it is dealt with is not read from until it is', async () => {
  const { ws, socket } = place({ takes: true })
  const gate = Promise.withResolvers<void>()
  for (let i = 0; i < 40; i++) socket.enqueue(10, () => gate.promise)
  expect(ws.pause).toHaveBeenCalled()
  ws.resume.mockClear()
  gate.resolve()
  await vi.waitFor(() => expect(socket.pendingBytes).toBe(0))
  expect(ws.resume).toHaveBeenCalled()
})

test('a client that gives no sign of life between two beats is cut, as is one that never says who it is', () => {
  const { closed, socket } = place({ takes: true })
  socket.beat()
  socket.heard()
  socket.beat()
  expect(closed).toEqual([])
  socket.beat()
  expect(closed).toEqual(['silent'])
  const nobody = place({ takes: true })
  nobody.socket.peer = ''
  nobody.socket.beat()
  nobody.socket.heard()
  nobody.socket.beat()
  expect(nobody.closed).toEqual(['silent'])
})
