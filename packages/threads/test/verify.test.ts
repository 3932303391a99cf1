import { blobHash, type ThreadId } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { describe, expect, test } from 'vitest'
import { verifyThreads } from '../src/verify.ts'
import { mesh, openNode, repair } from './place.ts'

/** Two threads with changes of two nodes, page borders and a blob; closed. */
async function verified() {
  const [one, two] = [await openNode(1), await openNode(2)]
  const { thread } = await one.threads.create(one.by.open())
  for (const number of [1, 2, 3]) await one.threads.append(thread, one.by.message(`from-one-${number}`))
  await repair(one.threads, two.threads)
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => two.threads.append(thread, two.by.message(`from-two-${i}`, 'x'.repeat(100)))),
  )
  await repair(two.threads, one.threads)
  await one.threads.create(one.by.open('Another'))
  await one.threads.blobs.put(Buffer.from('a change'))
  const changes = [...(await one.threads.vector(thread)).values()].reduce((sum, { seq }) => sum + seq, 0)
  await one.threads.close()
  return { room: one.state.room('threads'), thread, changes }
}

async function keysUnder(room: Room, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const key of room.keys({ gte: prefix, lt: `${prefix}~` })) keys.push(key)
  return keys
}

type Damage = (room: Room, thread: ThreadId) => Promise<unknown>
const drop = async (room: Room, key = 'none') => room.write([{ del: key }])
const change = async (room: Room, key = 'none', at = -1) => {
  const bytes = (await room.get(key)) ?? new Uint8Array()
  await room.write([{ put: key, value: Uint8Array.from(bytes).with(at, (bytes.at(at) ?? 0) ^ 1) }])
}
const put = (room: Room, key: string, value: Uint8Array) => room.write([{ put: key, value }])

describe('what threads keep', () => {
  test('verifies, with changes of several nodes', async () => {
    const { room, changes } = await verified()
    expect(await verifyThreads(room, mesh)).toEqual({ threads: 2, changes: changes + 1, blobs: 1 })
  })

  test('verifies when there is nothing', async () => {
    const { state } = await openNode(1)
    expect(await verifyThreads(state.room('threads'), mesh)).toEqual({ threads: 0, changes: 0, blobs: 0 })
  })

  const log = (room: Room, thread: ThreadId) => keysUnder(room, `t/${thread}/c/`)
  const vector = (room: Room, thread: ThreadId) => keysUnder(room, `v/${thread}/`)
  test.each<[string, RegExp, Damage]>([
    [
      'a change in the middle is missing',
      /change 2 of t\/.* is missing/,
      async (r, t) => {
        const next = (await log(r, t)).find((key) => key.endsWith('3'))
        await drop(r, next?.replace(/3$/, '2'))
      },
    ],
    ['the first change is missing', /change 1 of t\/.* is missing/, async (r, t) => drop(r, (await log(r, t))[0])],
    ['the last change is missing', /damaged/, async (r, t) => drop(r, (await log(r, t)).at(-1))],
    ['a change was altered', /cannot be read/, async (r, t) => change(r, (await log(r, t))[1], 200)],
    ['a signature was altered', /cannot be read/, async (r, t) => change(r, (await log(r, t))[1], -1)],
    [
      'a change stands in the place of another',
      /holds another change/,
      async (r, t) => {
        const [first = '', second = ''] = await log(r, t)
        await put(r, second, (await r.get(first)) ?? new Uint8Array())
      },
    ],
    ['the summary tells something else', /kept as i\//, (r, t) => change(r, `i/${t}`, -3)],
    ['the summary is missing', /kept as i\//, (r, t) => drop(r, `i/${t}`)],
    ['the index says less', /kept as v\//, async (r, t) => drop(r, (await vector(r, t))[0])],
    ['the index says more', /kept as v\//, (r, t) => put(r, `v/${t}/${'ab'.repeat(40)}`, Buffer.from('7'))],
    [
      'the log of a whole thread is gone',
      /kept as i\//,
      async (r, t) => {
        for (const key of await log(r, t)) await drop(r, key)
      },
    ],
    ['a blob was altered', /is not what its name says/, (r) => change(r, `b/${blobHash(Buffer.from('a change'))}`, 0)],
  ])('does not verify when %s', async (_, words, damage) => {
    const { room, thread } = await verified()
    await damage(room, thread)
    const verifying = verifyThreads(room, mesh)
    await expect(verifying).rejects.toMatchObject({ code: 'LOG_DAMAGED' })
    await expect(verifying).rejects.toThrow(words)
  })
})
