import { readEnvelope, type SeqVector, type ThreadId } from '@bzzz/protocols'
import { openState, type Room } from '@bzzz/store'
import { describe, expect, test } from 'vitest'
import type { ThreadFact } from '../src/facts.ts'
import type { ThreadEvent, Threads } from '../src/port.ts'
import { openThreads, type ThreadsOptions } from '../src/threads.ts'
import { verifyThreads } from '../src/verify.ts'
import { Pen } from './pen.ts'
import {
  mesh,
  openNode,
  optionsFor,
  repair,
  shownIds,
  signerOf,
  temporaryDirectory,
  viewOf,
  writerOf,
} from './place.ts'

const WORDS = 'the review of this change found nothing that would keep it from being merged today '

async function isArchived(threads: Threads, thread: ThreadId): Promise<boolean> {
  const listed = threads.list().find((each) => each.thread === thread)
  const view = await viewOf(threads, thread)
  expect(view.archived).toBe(listed?.archived)
  return view.archived
}

async function sent(threads: Threads, thread: ThreadId, have: SeqVector = new Map()): Promise<string[]> {
  const envelopes: string[] = []
  for await (const bytes of threads.envelopesAfter(thread, have)) envelopes.push(Buffer.from(bytes).toString('hex'))
  return envelopes
}

/** Of who has the first `count` envelopes. */
function vectorAfter(envelopes: readonly string[], count: number): SeqVector {
  const headers = envelopes.slice(0, count).map((bytes) => readEnvelope(mesh, Buffer.from(bytes, 'hex')).header)
  return new Map(headers.map(({ actor, seq, hash }) => [actor, { seq, hash }]))
}

async function keysOf(room: Room, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const key of room.keys({ gte: prefix, lt: `${prefix}~` })) keys.push(key)
  return keys
}

/** A thread with many changes of its opener, not archived yet. */
async function longThread(overrides: Partial<ThreadsOptions> = {}, changes = 270) {
  const node = await openNode(1, overrides)
  const { thread } = await node.threads.create(node.by.open())
  for (let i = 0; i < changes; i++) await node.threads.append(thread, node.by.message(`message-${i}`, WORDS.repeat(7)))
  return { ...node, thread, room: node.state.room('threads') }
}

describe('a thread', () => {
  test('is archived by an entry, and by that alone; writing to it takes it out again', async () => {
    const { threads, by } = await openNode(1)
    const { thread } = await threads.create(by.open())
    expect(await isArchived(threads, thread)).toBe(false)
    await threads.append(thread, by.archive())
    expect(await isArchived(threads, thread)).toBe(true)
    await threads.append(thread, by.message('message-1'))
    expect(await isArchived(threads, thread)).toBe(false)
    await threads.append(thread, by.archive('archive-2'))
    expect(await isArchived(threads, thread)).toBe(true)
    expect(await shownIds(threads, thread)).toEqual(['opening-entry', 'archive-1', 'message-1', 'archive-2'])
  })

  test('is archived once when two nodes archive it without knowing of each other', async () => {
    const [one, two] = [await openNode(1), await openNode(2)]
    const { thread } = await one.threads.create(one.by.open())
    await repair(one.threads, two.threads)
    await one.threads.append(thread, one.by.archive())
    await two.threads.append(thread, two.by.archive())
    await repair(one.threads, two.threads)
    await repair(two.threads, one.threads)
    for (const { threads } of [one, two]) expect(await isArchived(threads, thread)).toBe(true)
  })

  test('is not archived by whoever did not know of an entry that was written elsewhere, on any node', async () => {
    const [one, two] = [await openNode(1), await openNode(2)]
    const { thread } = await one.threads.create(one.by.open())
    await repair(one.threads, two.threads)
    await one.threads.append(thread, one.by.archive())
    await two.threads.append(thread, two.by.message('message-1'))
    await repair(one.threads, two.threads)
    await repair(two.threads, one.threads)
    for (const { threads } of [one, two]) expect(await isArchived(threads, thread)).toBe(false)
  })
})

describe('the log of an archived thread', () => {
  test('takes a fraction of the room, and is sent byte for byte as before', async () => {
    const facts: ThreadFact[] = []
    const { threads, thread, by, room } = await longThread({ observe: (fact) => facts.push(fact) })
    await threads.append(thread, by.archive())
    const before = await sent(threads, thread)
    await threads.compress(thread)
    expect(await sent(threads, thread)).toEqual(before)
    const [summary] = threads.list()
    if (summary === undefined) throw new Error('no summary')
    expect(summary.bytes).toBe(before.join('').length / 2)
    expect(summary.storedBytes).toBeLessThan(summary.bytes / 4)
    expect(await keysOf(room, `t/${thread}/c/`)).toEqual([])
    expect((await keysOf(room, `t/${thread}/z/`)).length).toBe(2)
    expect(facts.filter(({ type }) => type === 'compressed').length).toBe(2)
    expect(facts).toContainEqual({ type: 'unloaded', thread, why: 'archived' })
  })

  test('is served from anywhere in it: what a peer has not is what it gets', async () => {
    const { threads, thread, by } = await longThread()
    await threads.append(thread, by.archive())
    const all = await sent(threads, thread)
    await threads.compress(thread)
    await threads.append(thread, by.message('message-late'))
    const late = (await sent(threads, thread)).slice(all.length)
    expect(late.length).toBe(1)
    for (const have of [0, 1, 255, 256, 257, 271, 272, 273]) {
      const lacking = [...all, ...late].slice(have)
      expect(await sent(threads, thread, vectorAfter([...all, ...late], have))).toEqual(lacking)
    }
  })

  test('brings a node that has nothing to the same view', async () => {
    const { threads, thread, by } = await longThread()
    await threads.append(thread, by.archive())
    await threads.compress(thread)
    const other = await openNode(2)
    await repair(threads, other.threads)
    expect((await viewOf(other.threads, thread)).entries).toEqual((await viewOf(threads, thread)).entries)
    expect(await isArchived(other.threads, thread)).toBe(true)
  })

  test('takes new changes into rows of their own, which are compressed when it is archived again', async () => {
    const { threads, thread, by, room } = await longThread({}, 10)
    await threads.append(thread, by.archive())
    await threads.compress(thread)
    await threads.append(thread, by.message('message-late'))
    await threads.compress(thread)
    expect((await keysOf(room, `t/${thread}/c/`)).length).toBe(1)
    await threads.append(thread, by.archive('archive-2'))
    await threads.compress(thread)
    expect(await keysOf(room, `t/${thread}/c/`)).toEqual([])
    expect((await shownIds(threads, thread)).slice(-3)).toEqual(['archive-1', 'message-late', 'archive-2'])
  })

  test('is left alone while the thread is not archived', async () => {
    const { threads, thread, room } = await longThread({}, 10)
    await threads.compress(thread)
    expect(await keysOf(room, `t/${thread}/z/`)).toEqual([])
    expect(threads.list()[0]).toMatchObject({ archived: false })
    expect(threads.list()[0]?.storedBytes).toBe(threads.list()[0]?.bytes)
  })

  test('verifies, and does not when a chunk was altered, is gone, or stands in the place of another', async () => {
    const { threads, thread, by, room } = await longThread()
    await threads.append(thread, by.archive())
    await threads.compress(thread)
    await threads.append(thread, by.message('message-late'))
    await threads.close()
    expect(await verifyThreads(room, mesh)).toMatchObject({ threads: 1, changes: 273 })
    const [first = '', second = ''] = await keysOf(room, `t/${thread}/z/`)
    const [chunk, other] = [await room.get(first), await room.get(second)]
    if (chunk === undefined || other === undefined) throw new Error('no chunks')
    for (const [damage, words] of [
      [{ put: first, value: Uint8Array.from(chunk).with(100, (chunk[100] ?? 0) ^ 1) }, /cannot be/],
      [{ put: second, value: chunk }, /holds another change/],
      [{ del: first }, /change 1 of t\/.* is missing/],
    ] as const) {
      await room.write([damage])
      await expect(verifyThreads(room, mesh)).rejects.toThrow(words)
      await room.write([
        { put: first, value: chunk },
        { put: second, value: other },
      ])
    }
  })
})

describe('a compressed log', () => {
  test('gives up what does not stand any more: a change in it that its actor signed twice, and what followed', async () => {
    const { threads, thread, by, room } = await longThread({}, 10)
    const pen = () => new Pen(signerOf(2), thread)
    const text = (words: string) => JSON.stringify({ ...writerOf(signerOf(2)).message('message-twice', words) })
    const branches = Array.from({ length: 2 }, (_, i) => pen().append(text(`branch ${i}`)))
    const hash = (envelope: Uint8Array) => readEnvelope(mesh, envelope).header.hash
    const [winner, loser] = branches.toSorted((a, b) => (hash(a) < hash(b) ? -1 : 1))
    if (winner === undefined || loser === undefined) throw new Error('two branches')
    await threads.receive(loser)
    await threads.append(thread, by.message('message-after'))
    await threads.append(thread, by.archive())
    await threads.compress(thread)
    expect(await keysOf(room, `t/${thread}/c/`)).toEqual([])
    await threads.receive(winner)
    expect((await sent(threads, thread)).map((bytes) => hash(Buffer.from(bytes, 'hex')))).toContain(hash(winner))
    expect((await sent(threads, thread)).map((bytes) => hash(Buffer.from(bytes, 'hex')))).not.toContain(hash(loser))
    const shown = await shownIds(threads, thread)
    expect(shown).toEqual(expect.arrayContaining(['archive-1', 'message-after', 'message-twice', 'message-9']))
    expect(new Set(shown).size).toBe(14)
    await threads.compress(thread)
    await threads.close()
    await verifyThreads(room, mesh)
  })
})

describe('compressing', () => {
  test('goes on at the next opening from where it ended, and the log reads the same at every step', async () => {
    const directory = await temporaryDirectory()
    const by = writerOf(signerOf(1))
    let state = await openState({ directory })
    let threads = await openThreads(optionsFor(state, signerOf(1)))
    const { thread } = await threads.create(by.open())
    for (let i = 0; i < 300; i++) await threads.append(thread, by.message(`message-${i}`))
    // The archiving entry comes last; the store is closed at once, with at most one run compressed.
    await threads.append(thread, by.archive())
    await threads.close()
    expect(await keysOf(state.room('threads'), `t/${thread}/c/`)).not.toEqual([])
    await verifyThreads(state.room('threads'), mesh)
    await state.close()
    state = await openState({ directory })
    threads = await openThreads(optionsFor(state, signerOf(1)))
    await threads.compress(thread)
    expect(await keysOf(state.room('threads'), `t/${thread}/c/`)).toEqual([])
    expect((await shownIds(threads, thread)).length).toBe(302)
    await threads.close()
    await verifyThreads(state.room('threads'), mesh)
    await state.close()
  })

  test('never holds up or loses an append that comes meanwhile', async () => {
    const { threads, thread, by, room } = await longThread()
    await threads.append(thread, by.archive())
    const compressing = threads.compress(thread)
    const ids = Array.from({ length: 50 }, (_, i) => `meanwhile-${i}`)
    for (const id of ids) await threads.append(thread, by.message(id))
    await compressing
    expect((await shownIds(threads, thread)).slice(-50)).toEqual(ids)
    expect(await isArchived(threads, thread)).toBe(false)
    await threads.close()
    await verifyThreads(room, mesh)
  })

  test('shows a reader who is in the middle of the log every change once', async () => {
    const { threads, thread, by } = await longThread()
    await threads.append(thread, by.archive())
    const seqs: number[] = []
    for await (const bytes of threads.envelopesAfter(thread, new Map())) {
      if (seqs.length === 0) await threads.compress(thread)
      seqs.push(readEnvelope(mesh, bytes).header.seq)
    }
    expect(seqs).toEqual(Array.from({ length: 272 }, (_, i) => i + 1))
  })

  test('whose write fails leaves what reads the same once the store is open again, whether it took place or not', async () => {
    for (const fate of ['lost', 'written'] as const) {
      const directory = await temporaryDirectory()
      const by = writerOf(signerOf(1))
      const beneath = await openState({ directory })
      const disk = beneath.room('threads')
      let broken = false
      const breaking: Room = {
        ...disk,
        async write(operations) {
          const fails = broken && operations.some((operation) => 'put' in operation && operation.put.includes('/z/'))
          if (!fails || fate === 'written') await disk.write(operations)
          if (fails) throw new Error('input/output error')
        },
      }
      const threads = await openThreads({ ...optionsFor(beneath, signerOf(1)), room: breaking })
      const { thread } = await threads.create(by.open())
      for (let i = 0; i < 20; i++) await threads.append(thread, by.message(`message-${i}`))
      const before = await sent(threads, thread)
      broken = true
      const { envelope } = await new Promise<ThreadEvent>((resolve) => {
        threads.subscribe(resolve)
        void threads.append(thread, by.archive())
      })
      await threads.compress(thread)
      expect(() => threads.compress(thread)).toThrow(expect.objectContaining({ code: 'FROZEN' }))
      await threads.close()
      await verifyThreads(disk, mesh)
      const again = await openThreads(optionsFor(beneath, signerOf(1)))
      expect(await sent(again, thread)).toEqual([...before, Buffer.from(envelope).toString('hex')])
      await again.compress(thread)
      expect(await keysOf(disk, `t/${thread}/c/`)).toEqual([])
      await again.close()
      await beneath.close()
    }
  })

  test('that fails is told, and leaves the log as it was', async () => {
    const facts: ThreadFact[] = []
    const { state, signer, by } = await openNode(1)
    const room = state.room('threads')
    let broken = false
    const breaking: Room = {
      ...room,
      entries(range) {
        if (broken) throw new Error('no disk')
        return room.entries(range)
      },
    }
    const observe = (fact: ThreadFact) => void facts.push(fact)
    const threads = await openThreads({ ...optionsFor(state, signer), room: breaking, observe })
    const { thread } = await threads.create(by.open())
    await threads.append(thread, by.message('message-1'))
    broken = true
    await threads.append(thread, by.archive())
    await threads.compress(thread)
    expect(facts).toContainEqual({ type: 'compressing-failed', thread, error: new Error('no disk') })
    broken = false
    await threads.compress(thread)
    expect((await keysOf(room, `t/${thread}/c/`)).length).toBe(0)
    await threads.close()
    await verifyThreads(room, mesh)
  })
})
