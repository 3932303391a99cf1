import { newThreadId, readEnvelope } from '@bzzz/protocols'
import { describe, expect, test } from 'vitest'
import { mesh, openNode, repair, viewOf } from './place.ts'

describe('repair', () => {
  test('brings a node level that has nothing, and digests then agree', async () => {
    const [a, b] = [await openNode(1), await openNode(2)]
    const { thread } = await a.threads.create(a.by.open())
    for (let i = 0; i < 20; i++) await a.threads.append(thread, a.by.message(`message-${i}`))
    expect(await b.threads.vector(thread)).toEqual(new Map())
    await repair(a.threads, b.threads)
    expect(await b.threads.digest()).toEqual(await a.threads.digest())
    expect(await b.threads.vector(thread)).toEqual(await a.threads.vector(thread))
    expect(b.threads.list()).toEqual(a.threads.list())
    expect((await viewOf(b.threads, thread)).entries).toEqual((await viewOf(a.threads, thread)).entries)
  })

  test('serves what is missing alone, and no change before its causes', async () => {
    const [a, b, c] = [await openNode(1), await openNode(2), await openNode(3)]
    const { thread } = await a.threads.create(a.by.open())
    for (let i = 0; i < 10; i++) {
      await repair(a.threads, b.threads)
      await b.threads.append(thread, b.by.message(`from-b-${i}-`))
      await repair(b.threads, a.threads)
      await a.threads.append(thread, a.by.message(`from-a-${i}-`))
      if (i === 4) await repair(a.threads, c.threads)
    }
    const statuses = []
    for await (const envelope of a.threads.envelopesAfter(thread, await c.threads.vector(thread))) {
      statuses.push((await c.threads.receive(envelope)).status)
    }
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 'applied'))
    expect((await viewOf(c.threads, thread)).heads).toEqual((await viewOf(a.threads, thread)).heads)
  })

  test('relays the bytes as their author signed them, and stops early when asked', async () => {
    const [a, b] = [await openNode(1), await openNode(2)]
    const signed: Uint8Array[] = []
    a.threads.subscribe(({ envelope }) => signed.push(envelope))
    const { thread } = await a.threads.create(a.by.open())
    await a.threads.append(thread, a.by.message('message-1'))
    await repair(a.threads, b.threads)
    const relayed: Buffer[] = []
    for await (const envelope of b.threads.envelopesAfter(thread, new Map())) relayed.push(Buffer.from(envelope))
    expect(relayed).toEqual(signed.map((envelope) => Buffer.from(envelope)))
    for await (const envelope of b.threads.envelopesAfter(thread, new Map())) {
      expect(readEnvelope(mesh, envelope).header.seq).toBe(1)
      break
    }
  })

  test('of an unknown thread serves nothing', async () => {
    const { threads } = await openNode(1)
    for await (const _ of threads.envelopesAfter(newThreadId(0, new Uint8Array(10)), new Map())) expect.unreachable()
    expect(await threads.digest()).toEqual(new Map())
  })
})
