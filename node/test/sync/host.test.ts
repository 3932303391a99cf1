import { type MeshId, newThreadId } from '@bzzz/protocols'
import { expect, onTestFinished, test } from 'vitest'
import { WorkerHost } from '../../src/sync/worker/host.ts'
import { manyChanges } from './messages.ts'

const mesh = 'ab'.repeat(32) as MeshId

function hostWith(callMs: number) {
  const restarts: string[] = []
  const host = new WorkerHost({ mesh, callMs, onRestart: (why) => restarts.push(why) })
  onTestFinished(() => host.close())
  return { host, restarts }
}

test('a call that takes too long ends the thread, and the next call finds another one', async () => {
  const { host, restarts } = hostWith(2)
  const before = host.generation
  const thread = newThreadId(1, Buffer.alloc(10))
  await host.call('open', thread, [], [])
  await expect(host.call('knows', thread, manyChanges())).rejects.toMatchObject({ code: 'HUNG' })
  expect(restarts).toEqual(['hung'])
  expect(host.generation).toBeGreaterThan(before)
  const { host: patient } = hostWith(20_000)
  expect(await patient.call('read', Buffer.of(0xf6))).toBeNull()
})

test('calls made at once are answered one after the other, each with its own answer', async () => {
  const { host } = hostWith(20_000)
  const leave = Buffer.concat([Buffer.of(0xa1, 0x64), Buffer.from('type'), Buffer.of(0x65), Buffer.from('leave')])
  const asked = [leave, Buffer.of(0xf6), leave].map((bytes) => host.call('read', bytes))
  expect(await Promise.all(asked)).toEqual([{ type: 'leave' }, null, { type: 'leave' }])
  const unknown = newThreadId(1, Buffer.alloc(10))
  await expect(host.call('save', unknown)).rejects.toMatchObject({ code: 'FAILED' })
})

test('after it was closed nothing is answered', async () => {
  const { host } = hostWith(20_000)
  await host.close()
  await expect(host.call('read', Buffer.of(0xf6))).rejects.toMatchObject({ code: 'CLOSED' })
})
